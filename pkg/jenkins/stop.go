package jenkins

import (
	"context"
	"fmt"
	"net/http"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/httpx"
)

// Stop interrupts a running build. Repeating it is harmless, and a finished
// build stays as it is; a pipeline that hangs may need Jenkins' own "terminate"
// (contract section 7), which this client leaves to a person.
func (c *Client) Stop(ctx context.Context, job JobName, number int) error {
	op := fmt.Sprintf("stop %s #%d", job, number)
	res, err := c.post(ctx, httpx.Request{Op: op, Path: job.buildPath(number) + "/stop", Form: map[string][]string{}})
	if err != nil {
		return err
	}
	switch res.Status {
	case http.StatusNoContent:
		return nil
	case http.StatusFound, http.StatusSeeOther: // back to the build's page
		if loginPage(res.Header) {
			return notSignedIn(op)
		}
		return nil
	case http.StatusNotFound:
		return c.explainBuild(ctx, job, number, fail(apierr.ErrNotFound, op, "no such build"))
	}
	return c.unexpected(op, res)
}
