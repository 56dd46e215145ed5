package simulator

import (
	"context"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// pipeSize is how much one direction of a connection buffers before a writer
// waits, as a socket does.
const pipeSize = 64 << 10

// memListener hands out connections in memory.
type memListener struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newMemListener() *memListener {
	return &memListener{conns: make(chan net.Conn), done: make(chan struct{})}
}

func (l *memListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *memListener) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

func (l *memListener) Addr() net.Addr { return memAddr("demo") }

func (l *memListener) dial(ctx context.Context, _, addr string) (net.Conn, error) {
	if host, _, err := net.SplitHostPort(addr); err != nil || host != Host {
		return nil, &net.OpError{Op: "dial", Net: "demo", Addr: memAddr(addr),
			Err: &net.DNSError{Err: "the demo world has no such host", Name: host, IsNotFound: true}}
	}
	a, b := newPipe(pipeSize), newPipe(pipeSize)
	client, server := &memConn{r: a, w: b}, &memConn{r: b, w: a}
	select {
	case l.conns <- server:
		return client, nil
	case <-l.done:
		return nil, &net.OpError{Op: "dial", Net: "demo", Addr: memAddr(addr), Err: syscall.ECONNREFUSED}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

type memAddr string

func (memAddr) Network() string  { return "demo" }
func (a memAddr) String() string { return string(a) }

// memConn is one end of a connection in memory.
type memConn struct{ r, w *pipe }

func (c *memConn) Read(b []byte) (int, error)         { return c.r.read(b) }
func (c *memConn) Write(b []byte) (int, error)        { return c.w.write(b) }
func (c *memConn) LocalAddr() net.Addr                { return memAddr("demo") }
func (c *memConn) RemoteAddr() net.Addr               { return memAddr("demo") }
func (c *memConn) SetReadDeadline(t time.Time) error  { c.r.setDeadline(&c.r.readBy, t); return nil }
func (c *memConn) SetWriteDeadline(t time.Time) error { c.w.setDeadline(&c.w.writeBy, t); return nil }

func (c *memConn) SetDeadline(t time.Time) error {
	_ = c.SetReadDeadline(t)
	return c.SetWriteDeadline(t)
}

// Close ends both directions; the peer still reads what was written.
func (c *memConn) Close() error {
	c.w.end(&c.w.ended)
	c.r.end(&c.r.unread)
	return nil
}

// Reset ends both directions at once; what is under way is lost, and the peer
// learns it as a connection reset.
func (c *memConn) Reset() error {
	c.w.end(&c.w.reset)
	c.r.end(&c.r.reset)
	return nil
}

// pipe is one direction of a connection.
type pipe struct {
	mu     sync.Mutex
	cond   *sync.Cond
	buf    []byte
	size   int
	ended  bool // the writer closed: read the rest, then EOF
	unread bool // the reader closed: writing makes no sense
	reset  bool

	readBy, writeBy deadline
}

type deadline struct {
	at    time.Time
	timer *time.Timer
}

func (d *deadline) passed() bool { return !d.at.IsZero() && !time.Now().Before(d.at) }

func newPipe(size int) *pipe {
	p := &pipe{size: size}
	p.cond = sync.NewCond(&p.mu)
	return p
}

func (p *pipe) end(flag *bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	*flag = true
	p.cond.Broadcast()
}

func (p *pipe) setDeadline(d *deadline, t time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
	d.at = t
	if wait := time.Until(t); !t.IsZero() && wait > 0 {
		d.timer = time.AfterFunc(wait, func() {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.cond.Broadcast()
		})
	}
	p.cond.Broadcast()
}

func opError(op string, err error) error {
	return &net.OpError{Op: op, Net: "demo", Addr: memAddr("demo"), Err: err}
}

func (p *pipe) read(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		switch {
		case p.reset:
			return 0, opError("read", os.NewSyscallError("read", syscall.ECONNRESET))
		case p.unread:
			return 0, opError("read", net.ErrClosed)
		case p.readBy.passed():
			return 0, opError("read", os.ErrDeadlineExceeded)
		case len(p.buf) > 0:
			n := copy(b, p.buf)
			p.buf = p.buf[n:]
			p.cond.Broadcast()
			return n, nil
		case p.ended:
			return 0, io.EOF
		case len(b) == 0:
			return 0, nil
		}
		p.cond.Wait()
	}
}

func (p *pipe) write(b []byte) (n int, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		switch {
		case p.reset:
			return n, opError("write", os.NewSyscallError("write", syscall.ECONNRESET))
		case p.ended:
			return n, opError("write", net.ErrClosed)
		case p.unread:
			return n, opError("write", os.NewSyscallError("write", syscall.EPIPE))
		case p.writeBy.passed():
			return n, opError("write", os.ErrDeadlineExceeded)
		case n == len(b):
			return n, nil
		case len(p.buf) < p.size:
			k := min(len(b)-n, p.size-len(p.buf))
			p.buf = append(p.buf, b[n:n+k]...)
			n += k
			p.cond.Broadcast()
			continue
		}
		p.cond.Wait()
	}
}
