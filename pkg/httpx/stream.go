package httpx

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/balena-io/oncall/pkg/apierr"
)

// streamBody is the body of a Stream: an idle limit that runs only while a read
// waits, a byte limit if one was asked for, and errors in plain words.
type streamBody struct {
	c     *Client
	cl    *call
	body  io.ReadCloser
	watch *watch
	limit time.Duration
	seen  int64
	err   error // sticky
}

func (s *streamBody) Read(p []byte) (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	s.watch.restart(s.limit)
	n, err := s.body.Read(p)
	s.watch.pause()
	s.seen += int64(n)
	if limit := s.cl.r.MaxBody; limit > 0 && s.seen > limit {
		n -= int(s.seen - limit)
		e := s.c.fail(s.cl, apierr.ErrUnavailable, "the answer is larger than %s", size(limit))
		e.Err = ErrTooLarge
		s.err = e
		return n, s.err
	}
	if err != nil {
		s.err = s.explain(err)
	}
	return n, s.err
}

func (s *streamBody) explain(err error) error {
	if errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return io.EOF
	}
	cause := s.watch.cause()
	var e *apierr.Error
	switch {
	case errors.Is(cause, errTimedOut):
		e = s.c.fail(s.cl, apierr.ErrUnavailable, "nothing arrived for %s", s.limit)
	case errors.Is(cause, context.Canceled):
		e = s.c.fail(s.cl, nil, "interrupted")
		err = context.Canceled
	case errors.Is(cause, context.DeadlineExceeded):
		e = s.c.fail(s.cl, apierr.ErrUnavailable, "out of time while the answer was read")
		err = context.DeadlineExceeded
	default:
		e = s.c.fail(s.cl, apierr.ErrUnavailable, "the connection was lost after %s of the answer", size(s.seen))
	}
	e.Err = s.c.hushed(err)
	return e
}

func (s *streamBody) Close() error {
	err := s.body.Close()
	s.watch.end()
	if s.err == nil {
		s.err = s.c.fail(s.cl, nil, "read after close")
	}
	return err
}

// size is a number of bytes in words.
func size(n int64) string {
	const unit = 1024
	switch {
	case n < unit:
		return fmt.Sprintf("%d B", n)
	case n < unit*unit:
		return fmt.Sprintf("%.1f KiB", float64(n)/unit)
	case n < unit*unit*unit:
		return fmt.Sprintf("%.1f MiB", float64(n)/(unit*unit))
	}
	return fmt.Sprintf("%.1f GiB", float64(n)/(unit*unit*unit))
}
