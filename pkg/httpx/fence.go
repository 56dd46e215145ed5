package httpx

import (
	"net/url"

	"github.com/balena-io/oncall/pkg/apierr"
)

// fence stops every change unless the mode lets it pass. It stands in the
// transport, behind every way of sending, so that no caller can forget it.
func (c *Client) fence(cl *call, u *url.URL) *apierr.Error {
	if !cl.writes || c.cfg.Mode == ReadWrite {
		return nil
	}
	if c.cfg.Mode == DryRun {
		if c.cfg.OnFence != nil {
			c.cfg.OnFence(Fenced{Vendor: c.cfg.Vendor, Method: cl.r.Method, URL: c.maskedURL(u), Body: c.maskedBody(cl.body)})
		}
		return c.fail(cl, apierr.ErrReadOnly, "held back, as this is a dry run")
	}
	return c.fail(cl, apierr.ErrReadOnly, "held back, as the context is read-only")
}
