package httpx_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/httpx"
	"github.com/balena-io/oncall/pkg/httpx/httpxtest"
	"github.com/balena-io/oncall/pkg/secret"
)

func TestFenceStopsEveryChangeAndLetsReadsPass(t *testing.T) {
	t.Parallel()
	for name, mode := range map[string]httpx.Mode{"read-only": httpx.ReadOnly, "dry run": httpx.DryRun} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := httpxtest.New(t,
				httpxtest.Exchange{Path: "/x", Reply: httpxtest.JSON(200, `{}`)},
				httpxtest.Exchange{Method: "HEAD", Path: "/x", Reply: httpxtest.Status(200)},
				httpxtest.Exchange{Method: "POST", Path: "/search", Reply: httpxtest.JSON(200, `{}`)})
			var held []httpx.Fenced
			cfg := srv.Config("victorops")
			cfg.Mode, cfg.OnFence = mode, func(f httpx.Fenced) { held = append(held, f) }
			cfg.Header = map[string]secret.String{"X-Key": secret.New("s3cr3t")}
			c := client(t, cfg)
			for _, r := range []httpx.Request{{Path: "/x"}, {Method: "HEAD", Path: "/x"}, {Method: "POST", Path: "/search", Reads: true}} {
				_, err := c.Do(t.Context(), r, nil)
				require.NoError(t, err)
			}
			for _, method := range []string{"POST", "PUT", "PATCH", "DELETE", "get"} {
				r := httpx.Request{Op: "ack 1", Method: method, Path: "/s3cr3t/x?token=abc&n=1", AnyStatus: true,
					JSON: map[string]any{"routing_key": "ops", "api_key": "zzz", "note": "it is s3cr3t"}}
				_, err := c.Do(t.Context(), r, nil)
				require.ErrorIs(t, err, apierr.ErrReadOnly)
				_, err = c.Stream(t.Context(), r)
				require.ErrorIs(t, err, apierr.ErrReadOnly)
			}
			assert.Len(t, srv.Seen(), 3, "no change left")
			if mode == httpx.ReadOnly {
				assert.Empty(t, held)
				return
			}
			require.Len(t, held, 10)
			assert.Equal(t, httpx.Fenced{Vendor: "victorops", Method: "POST", URL: srv.URL + "/***/x?token=***&n=1",
				Body: `{"api_key":"***","note":"it is ***","routing_key":"ops"}`}, held[0])
		})
	}
}
