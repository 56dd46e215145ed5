package httpx

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/apierr"
)

func TestReplayOfNetHTTP(t *testing.T) {
	t.Parallel()
	for _, writes := range []bool{false, true} {
		var left []bool
		stopped := 0
		p := &progress{}
		h := p.trace(writes, func(sent bool) { left = append(left, sent) }, func() { stopped++ })
		ctx := t.Context()
		assert.True(t, p.mayHaveArrived(ctx), "nobody told")
		h.GetConn("host:1")
		assert.False(t, p.mayHaveArrived(ctx))
		h.GotConn(httptrace.GotConnInfo{Reused: true})
		assert.False(t, p.mayHaveArrived(ctx))
		ended, cancel := context.WithCancel(ctx)
		cancel()
		assert.True(t, p.mayHaveArrived(ended), "a goroutine may just be writing")
		h.WroteHeaderField("Host", nil)
		h.WroteHeaderField("Accept", nil)
		assert.True(t, p.mayHaveArrived(ctx))
		assert.Equal(t, []bool{true}, left, "told once")

		h.GetConn("host:1") // the kept connection was dead; net/http begins anew
		assert.Equal(t, !writes, p.mayHaveArrived(ctx), "of a change nothing was written, or it would not")
		assert.Equal(t, !writes, stopped == 1, "a read is not replayed behind our back")
	}
}

// hooked is a transport that tells of its steps and then fails.
type hooked struct{ err error }

func (h hooked) RoundTrip(r *http.Request) (*http.Response, error) {
	trace := httptrace.ContextClientTrace(r.Context())
	trace.GetConn("host:443")
	trace.GotConn(httptrace.GotConnInfo{})
	trace.WroteHeaderField("Host", nil)
	return nil, h.err
}

func TestCertificateThatIsRefusedAfterTheRequestWasWritten(t *testing.T) {
	t.Parallel()
	for says, unknown := range map[string]bool{"tls: certificate required": false, "tls: internal error": true} {
		c, err := New(Config{Vendor: "v", BaseURL: "https://host", Transport: hooked{&net.OpError{Op: "remote error", Err: errors.New(says)}}})
		require.NoError(t, err)
		_, err = c.Do(t.Context(), Request{Op: "ack", Method: "POST"}, nil)
		require.ErrorIs(t, err, apierr.ErrUnavailable)
		assert.Equal(t, unknown, errors.Is(err, apierr.ErrUnknownOutcome))
		assert.Equal(t, "it may want a client certificate", apierr.HintOf(err))
		assert.EqualError(t, err, "v: ack: host refused the TLS connection: "+says[len("tls: "):])
	}
}

func TestMaskedURL(t *testing.T) {
	t.Parallel()
	c, err := New(Config{BaseURL: "https://host"})
	require.NoError(t, err)
	for given, want := range map[string]string{
		"https://ann:pw@h.test/x":                       "https://h.test/x",
		"https://h.test/x?token=1&n=2&Api_Key=3&a-key=": "https://h.test/x?token=***&n=2&Api_Key=***&a-key=***",
		"https://h.test/x?%74oken=1":                    "https://h.test/x?%74oken=***",
		"https://h.test/x?token&monkey=1&keyed=2":       "https://h.test/x?token&monkey=1&keyed=2",
		"https://h.test/x?X-Amz-Signature=1&sig=2":      "https://h.test/x?X-Amz-Signature=***&sig=***",
	} {
		u, err := url.Parse(given)
		require.NoError(t, err)
		assert.Equal(t, want, c.maskedURL(u))
		assert.Equal(t, given, u.String(), "the URL itself stays")
	}
}
