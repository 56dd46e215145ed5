package httpx

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// errorBody is how much of an error's body is looked at.
const errorBody = 64 << 10

// ErrTooLarge is in the tree of the error about a body beyond Request.MaxBody: a
// pager asks for less then.
var ErrTooLarge = errors.New("too large")

// readBody reads the answer whole. A bad status is cut at errorBody without an
// error, unless the caller wants to have it.
func (c *Client) readBody(cl *call, res *http.Response) ([]byte, error) {
	if res.StatusCode >= 300 && !cl.r.AnyStatus {
		data, _ := io.ReadAll(io.LimitReader(res.Body, errorBody))
		return data, nil // the status says enough, even when the page is cut
	}
	limit := cl.r.MaxBody
	if limit <= 0 {
		limit = DefaultMaxBody
	}
	if res.ContentLength > limit && !res.Uncompressed {
		return nil, fmt.Errorf("%w: %d bytes", ErrTooLarge, res.ContentLength)
	}
	var b bytes.Buffer
	if n := res.ContentLength; n > 0 {
		b.Grow(int(min(n, limit)) + bytes.MinRead)
	}
	n, err := b.ReadFrom(io.LimitReader(res.Body, limit+1))
	if err == nil && n > limit {
		err = ErrTooLarge
	}
	return b.Bytes(), err
}

// decompress undoes a Content-Encoding that net/http left in place: one that
// came unasked, or through a transport that does not do it.
func decompress(res *http.Response) error {
	switch strings.ToLower(strings.TrimSpace(res.Header.Get("Content-Encoding"))) {
	case "gzip", "x-gzip":
		res.Body = &lazyReader{raw: res.Body, open: func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) }}
	case "deflate":
		res.Body = &lazyReader{raw: res.Body, open: func(r io.Reader) (io.Reader, error) { return zlib.NewReader(r) }}
	case "", "identity":
		return nil
	default:
		return fmt.Errorf("%w %q", errEncoding, res.Header.Get("Content-Encoding"))
	}
	res.Header.Del("Content-Encoding")
	res.Header.Del("Content-Length")
	res.ContentLength, res.Uncompressed = -1, true
	return nil
}

// errEncoding is a Content-Encoding that nobody asked for and we do not know.
var errEncoding = errors.New("unknown content encoding")

// lazyReader opens a decompressor at the first read, as a stream's header is
// handed over before its first byte is there. An empty body stays empty.
type lazyReader struct {
	raw  io.ReadCloser
	open func(io.Reader) (io.Reader, error)
	r    io.Reader
	err  error
}

func (l *lazyReader) Read(p []byte) (int, error) {
	if l.r == nil && l.err == nil {
		if l.r, l.err = l.open(l.raw); l.err != nil && errors.Is(l.err, io.EOF) {
			l.err = io.EOF
		}
	}
	if l.err != nil {
		return 0, l.err
	}
	return l.r.Read(p)
}

func (l *lazyReader) Close() error { return l.raw.Close() }
