package healthchecks

import (
	"context"
	"crypto/sha1" //nolint:gosec // the vendor's name for a check, no protection
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/url"
	"strings"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/httpx"
)

// Statuses of a check (note 3).
const (
	StatusNew     = "new"     // never pinged, or resumed
	StatusUp      = "up"      //
	StatusGrace   = "grace"   // expected and not yet late enough: the web page says "late"
	StatusDown    = "down"    //
	StatusPaused  = "paused"  // not watched; the next ping ends it, unless ManualResume
	StatusStarted = "started" // v1 only: it hides whether the check is up or down
)

// Check is a check. Servers of one's own lag behind, so every field may be
// missing (note 1).
type Check struct {
	Name        string   // may be empty, and several may have the same
	Slug        string   // the same
	Tags        []string // one text with blanks on the wire
	Desc        string
	Status      string // one of the Status constants, or a new word
	Started     bool   // a start came and no end yet; Status may be anything then
	Grace       Seconds
	Timeout     Seconds // of a simple check; not set for Schedule
	Schedule    string  // cron (five fields) or OnCalendar; "" is a simple check
	TZ          string  // of Schedule
	LastPing    Time    // last success or failure, not start; zero is never or resumed
	NextPing    Time    // when the time of grace begins; may lie in the past while it runs; zero when new, down or paused
	Duration    Seconds // of the last run, when it is known
	Pings       int     // pings ever received
	Manual      bool    // a ping does not end a pause
	Methods     string  // "POST": a GET is not counted
	UUID        string  // empty with a read-only key
	UniqueKey   string  // with a read-only key only: 40 hex digits
	ChannelIDs  []string
	HasChannels bool // channels were told, which a read-only key hides
}

type checkWire struct {
	Name         string  `json:"name"`
	Slug         string  `json:"slug"`
	Tags         string  `json:"tags"`
	Desc         string  `json:"desc"`
	Status       string  `json:"status"`
	Started      bool    `json:"started"`
	Grace        Seconds `json:"grace"`
	Timeout      Seconds `json:"timeout"`
	Schedule     string  `json:"schedule"`
	TZ           string  `json:"tz"`
	LastPing     Time    `json:"last_ping"`
	NextPing     Time    `json:"next_ping"`
	LastDuration Seconds `json:"last_duration"`
	NPings       int     `json:"n_pings"`
	ManualResume bool    `json:"manual_resume"`
	Methods      string  `json:"methods"`
	UUID         string  `json:"uuid"`
	PingURL      string  `json:"ping_url"`
	UpdateURL    string  `json:"update_url"`
	UniqueKey    string  `json:"unique_key"`
	Channels     *string `json:"channels"`
}

// UnmarshalJSON reads a check in the forms of v1, v2 and v3.
func (c *Check) UnmarshalJSON(b []byte) error {
	var w checkWire
	if err := json.Unmarshal(b, &w); err != nil {
		return err
	}
	*c = Check{
		Name: w.Name, Slug: w.Slug, Tags: list(strings.Fields(w.Tags)), Desc: w.Desc, Status: w.Status,
		Started: w.Started || w.Status == StatusStarted, Grace: w.Grace, Timeout: w.Timeout, Schedule: w.Schedule, TZ: w.TZ,
		LastPing: w.LastPing, NextPing: w.NextPing, Duration: w.LastDuration, Pings: w.NPings,
		Manual: w.ManualResume, Methods: w.Methods, UUID: strings.ToLower(w.UUID), UniqueKey: w.UniqueKey, ChannelIDs: []string{},
	}
	if c.UUID == "" {
		// Before v3.5 the identifier stands in the addresses alone (note 1).
		for _, u := range []string{w.UpdateURL, w.PingURL} {
			if id := lastSegment(u); IsUUID(id) {
				c.UUID = strings.ToLower(id)
				break
			}
		}
	}
	if w.Channels != nil {
		c.HasChannels = true
		for _, id := range strings.Split(*w.Channels, ",") {
			if id = strings.TrimSpace(id); id != "" {
				c.ChannelIDs = append(c.ChannelIDs, id)
			}
		}
	}
	return nil
}

func lastSegment(s string) string { return s[strings.LastIndexByte(s, '/')+1:] }

// ID names the check in further calls: its UUID, or with a read-only key its
// unique key.
func (c Check) ID() string {
	if c.UUID != "" {
		return c.UUID
	}
	return c.UniqueKey
}

// IsUUID reports whether s has the form of a UUID, in letters of either case.
func IsUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i, r := range s {
		dash := i == 8 || i == 13 || i == 18 || i == 23
		hexDigit := r >= '0' && r <= '9' || r >= 'a' && r <= 'f' || r >= 'A' && r <= 'F'
		if dash != (r == '-') || !dash && !hexDigit {
			return false
		}
	}
	return true
}

// UniqueKeyOf is the unique key of a check, by which a read-only key knows it:
// it can be computed from the UUID and never the other way (note 1).
func UniqueKeyOf(uuid string) string {
	digits := strings.ReplaceAll(strings.ToLower(uuid), "-", "")
	if len(digits) < 16 {
		return ""
	}
	sum := sha1.Sum([]byte(digits[:16])) //nolint:gosec // as above
	return hex.EncodeToString(sum[:])
}

// Checks lists the checks of the project, in the server's order. All tags must
// be there, whole words with their case. There is no paging (note 2).
func (c *Client) Checks(ctx context.Context, tags ...string) ([]Check, error) {
	var out struct {
		Checks *[]Check `json:"checks"`
	}
	q := url.Values{}
	for _, t := range tags {
		q.Add("tag", t)
	}
	_, err := c.read(ctx, httpx.Request{Op: "list checks", Path: "/checks/", Query: q}, false, &out)
	if err != nil {
		var e *apierr.Error
		if errors.As(err, &e) && errors.Is(err, apierr.ErrNotFound) {
			e.Message, e.Hint = "there is no API at "+c.http.Base(), "the URL of a server of your own ends in /api/v3"
		}
		return nil, err
	}
	if out.Checks == nil {
		return nil, apierr.New(apierr.ErrUnavailable, Vendor, "list checks", "the answer has no list of checks (a proxy, or the wrong URL?)")
	}
	return list(*out.Checks), nil
}

// Check reads one check by UUID or unique key.
func (c *Client) Check(ctx context.Context, id string) (Check, error) {
	var out Check
	_, err := c.read(ctx, httpx.Request{Op: "read check " + short(id), Path: "/checks/" + seg(id)}, false, &out)
	return out, err
}

// Pause stops watching. It needs a read-write key. A paused check stays as it is.
func (c *Client) Pause(ctx context.Context, uuid string) (Check, error) {
	var out Check
	err := c.send(ctx, "pause check "+short(uuid), "/checks/"+seg(uuid)+"/pause", &out)
	return out, err
}

// Resume watches again: the check is new and has forgotten its last ping. A
// check that is not paused is an apierr.ErrConflict. It needs a read-write key.
func (c *Client) Resume(ctx context.Context, uuid string) (Check, error) {
	var out Check
	err := c.send(ctx, "resume check "+short(uuid), "/checks/"+seg(uuid)+"/resume", &out)
	return out, err
}

// seg escapes a path segment; identifiers go out in small letters, as a capital
// is a 404 (note 6.3).
func seg(id string) string { return httpx.Segment(strings.ToLower(id)) }

// short is an identifier for an error: who has a UUID may ping with it.
func short(id string) string {
	if len(id) > 8 {
		return id[:8]
	}
	return id
}
