package balena

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// Time is a moment as the API writes it: RFC 3339. null, "" and an absent field
// are the zero time.
type Time struct{ time.Time }

// UnmarshalJSON reads the API's form. A text that is no time is an error.
func (t *Time) UnmarshalJSON(b []byte) error {
	t.Time = time.Time{}
	if s := string(b); s == "null" || s == `""` {
		return nil
	}
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return fmt.Errorf("a time is a text, not %.40s", b)
	}
	p, err := time.Parse(time.RFC3339Nano, s)
	if err != nil || p.Year() < 0 || p.Year() > 9999 {
		return fmt.Errorf("%.40q is not a time", s)
	}
	t.Time = p.UTC()
	return nil
}

// linked decodes a link field in every form it has (note 2): null, {"__id": 7},
// and, expanded, [] or [{...}]. A bare number is taken as an id too. The result
// is the linked row, of which only the id is known when it was not expanded, or
// nil.
func linked[T any](b []byte, withID func(int64) T) (*T, error) {
	b = bytes.TrimSpace(b)
	if len(b) == 0 || string(b) == "null" {
		return nil, nil
	}
	switch b[0] {
	case '[':
		var rows []T
		if err := json.Unmarshal(b, &rows); err != nil {
			return nil, err
		}
		switch len(rows) {
		case 0:
			return nil, nil
		case 1:
			return &rows[0], nil
		}
		return nil, fmt.Errorf("a link leads to %d rows", len(rows))
	case '{':
		var deferred struct {
			ID *int64 `json:"__id"`
		}
		if err := json.Unmarshal(b, &deferred); err != nil {
			return nil, err
		}
		if deferred.ID == nil {
			return nil, fmt.Errorf("a link has no id: %.40s", b)
		}
		v := withID(*deferred.ID)
		return &v, nil
	}
	id, err := strconv.ParseInt(string(b), 10, 64)
	if err != nil {
		return nil, fmt.Errorf("not a link: %.40s", b)
	}
	v := withID(id)
	return &v, nil
}

// Ref is a release that something points at. The zero value points at none;
// all but the id may be missing.
type Ref struct {
	ID         int64
	Commit     string
	RawVersion string
}

// IsZero reports that it points at no release.
func (r Ref) IsZero() bool { return r.ID == 0 }

// String names the release as people do: by version, else by commit, else by id.
func (r Ref) String() string {
	switch {
	case r.ID == 0:
		return "no release"
	case r.RawVersion != "":
		return r.RawVersion
	case r.Commit != "":
		return r.Commit[:min(7, len(r.Commit))]
	}
	return "release " + number(r.ID)
}

// UnmarshalJSON reads a link field in any of its forms.
func (r *Ref) UnmarshalJSON(b []byte) error {
	type row struct {
		ID         int64  `json:"id"`
		Commit     string `json:"commit"`
		RawVersion string `json:"raw_version"`
	}
	*r = Ref{}
	v, err := linked(b, func(id int64) row { return row{ID: id} })
	if err != nil || v == nil {
		return err
	}
	if v.ID <= 0 {
		return fmt.Errorf("a linked release has no id")
	}
	*r = Ref(*v)
	return nil
}

// Author is the name of the user that a link leads to, "" when it leads to none.
type Author string

// UnmarshalJSON reads a link field in any of its forms.
func (a *Author) UnmarshalJSON(b []byte) error {
	type row struct {
		Name string `json:"username"`
	}
	*a = ""
	v, err := linked(b, func(int64) row { return row{} })
	if err == nil && v != nil {
		*a = Author(v.Name)
	}
	return err
}
