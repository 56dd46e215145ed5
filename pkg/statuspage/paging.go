package statuspage

import (
	"context"
	"encoding/json"
	"iter"
	"net/http"
	"net/url"
	"strconv"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/httpx"
)

// pageSize is the vendor's maximum, and is always asked for: an unpaginated
// list is throttled to one request a minute.
const pageSize = 100

// paged is one list of the API. No list says how long it is or links to its next
// page: it ends with a page of fewer rows than were asked for.
type paged struct {
	op    string
	path  string // after /pages/{page_id}
	size  string // name of the size parameter: "per_page", or "limit"
	query url.Values
}

// all walks every page of a list. A page that only repeats the one before is an
// error, as a server that ignores "page" would never end.
func all[T any](ctx context.Context, c *Client, l paged) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var zero T
		var before string
		for page := 1; ; page++ {
			q := url.Values{}
			for k, v := range l.query {
				q[k] = v
			}
			q.Set("page", strconv.Itoa(page))
			q.Set(l.size, strconv.Itoa(pageSize))
			var rows []json.RawMessage
			if err := c.sendPage(ctx, httpx.Request{Op: l.op, Method: http.MethodGet, Path: l.path, Query: q}, &rows); err != nil {
				yield(zero, err)
				return
			}
			first := firstID(rows)
			if page > 1 && first != "" && first == before {
				yield(zero, apierr.New(apierr.ErrUnavailable, Vendor, l.op, "page %d repeats page %d: the list cannot be read whole", page, page-1))
				return
			}
			before = first
			for _, raw := range rows {
				var row T
				if err := json.Unmarshal(raw, &row); err != nil {
					yield(zero, &apierr.Error{Vendor: Vendor, Op: l.op, Message: "an answer that cannot be read: " + err.Error(), Err: err})
					return
				}
				if !yield(row, nil) {
					return
				}
			}
			if len(rows) < pageSize {
				return
			}
		}
	}
}

func firstID(rows []json.RawMessage) string {
	if len(rows) == 0 {
		return ""
	}
	var row struct {
		ID string `json:"id"`
	}
	if json.Unmarshal(rows[0], &row) != nil {
		return ""
	}
	return row.ID
}

// Collect reads a list whole. The slice is never nil; after an error it holds
// what came before.
func Collect[T any](seq iter.Seq2[T, error]) ([]T, error) {
	out := []T{}
	for v, err := range seq {
		if err != nil {
			return out, err
		}
		out = append(out, v)
	}
	return out, nil
}
