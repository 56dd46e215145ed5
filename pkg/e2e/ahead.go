package e2e

import (
	"errors"
	"io"
	"sync"
)

const (
	aheadPieces = 4
	aheadSize   = 256 << 10
)

// ReadAhead reads r while what came before is being used: a console of a
// gigabyte is then bounded by the slower of network and reader, not by their
// sum. Close closes r and returns when nothing reads it any more.
func ReadAhead(r io.ReadCloser) io.ReadCloser {
	a := &ahead{r: r, full: make(chan piece, aheadPieces), free: make(chan []byte, aheadPieces), stop: make(chan struct{})}
	for range aheadPieces {
		a.free <- make([]byte, aheadSize)
	}
	go a.run()
	return a
}

// piece is what one read brought.
type piece struct {
	data []byte
	err  error
}

type ahead struct {
	r    io.ReadCloser
	full chan piece
	free chan []byte
	stop chan struct{}
	once sync.Once

	cur  piece
	left []byte
	err  error
}

func (a *ahead) run() {
	defer close(a.full)
	for {
		var buf []byte
		select {
		case buf = <-a.free:
		case <-a.stop:
			return
		}
		n, err := a.r.Read(buf)
		select {
		case a.full <- piece{buf[:n], err}:
		case <-a.stop:
			return
		}
		if err != nil {
			return
		}
	}
}

// next makes the next piece current.
func (a *ahead) next() error {
	if a.err != nil {
		return a.err
	}
	if a.cur.data != nil {
		a.free <- a.cur.data[:aheadSize] // there is room: it came from there
		a.cur.data = nil
	}
	p, ok := <-a.full
	if !ok {
		p.err = errors.New("read after close")
	}
	a.cur, a.left, a.err = p, p.data, p.err
	if len(a.left) > 0 {
		return nil
	}
	return a.err
}

func (a *ahead) Read(p []byte) (int, error) {
	for len(a.left) == 0 {
		if err := a.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, a.left)
	a.left = a.left[n:]
	return n, nil
}

// WriteTo hands the pieces over without a copy.
func (a *ahead) WriteTo(w io.Writer) (total int64, err error) {
	for {
		if len(a.left) > 0 {
			n, err := w.Write(a.left)
			total += int64(n)
			a.left = nil
			if err != nil {
				return total, err
			}
		}
		if err := a.next(); err != nil && len(a.left) == 0 {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return total, err
		}
	}
}

func (a *ahead) Close() error {
	err := a.r.Close() // ends a read that waits
	a.once.Do(func() { close(a.stop) })
	for range a.full {
	}
	return err
}
