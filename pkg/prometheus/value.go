package prometheus

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Value is a sample's value. NaN and the infinities are values: a query that
// finds nothing has no sample at all.
type Value float64

// String writes the value as Prometheus does: "0.041", "NaN", "+Inf".
func (v Value) String() string { return strconv.FormatFloat(float64(v), 'f', -1, 64) }

// MarshalJSON writes the value as a string, as on the wire: JSON has no NaN.
func (v Value) MarshalJSON() ([]byte, error) { return []byte(`"` + v.String() + `"`), nil }

// UnmarshalJSON reads the string of the wire; a bare number is accepted.
func (v *Value) UnmarshalJSON(b []byte) error {
	f, err := strconv.ParseFloat(strings.Trim(string(b), `"`), 64)
	if err != nil {
		return fmt.Errorf("value %s is not a number: %w", b, err)
	}
	*v = Value(f)
	return nil
}

// NameLabel is the label that holds a series' name.
const NameLabel = "__name__"

// Labels names one series.
type Labels map[string]string

// Name is the metric's name, "" after an operation that drops it.
func (l Labels) Name() string { return l[NameLabel] }

// String writes the labels as PromQL: up{job="api"}, sorted; {} without any.
func (l Labels) String() string {
	var b strings.Builder
	b.WriteString(l[NameLabel])
	if len(l) == 0 || len(l) > 1 || l[NameLabel] == "" {
		b.WriteByte('{')
		first := true
		for _, k := range slices.Sorted(maps.Keys(l)) {
			if k == NameLabel {
				continue
			}
			if !first {
				b.WriteString(", ")
			}
			first = false
			b.WriteString(k + "=" + strconv.Quote(l[k]))
		}
		b.WriteByte('}')
	}
	return b.String()
}

// Compare orders label sets by name, then by each label in order of its name.
func (l Labels) Compare(o Labels) int {
	if c := strings.Compare(l[NameLabel], o[NameLabel]); c != 0 {
		return c
	}
	names := slices.Collect(maps.Keys(l))
	for k := range o {
		if _, ok := l[k]; !ok {
			names = append(names, k)
		}
	}
	slices.Sort(names)
	for _, k := range names {
		if c := strings.Compare(l[k], o[k]); c != 0 {
			return c
		}
	}
	return 0
}

// Seconds is a time on the wire: Unix seconds with milliseconds, a JSON number.
type Seconds int64 // milliseconds since 1970

// Time is the instant in UTC.
func (s Seconds) Time() time.Time { return time.UnixMilli(int64(s)).UTC() }

// UnmarshalJSON reads seconds with decimals without going through a float, which
// would be off by a millisecond now and then.
func (s *Seconds) UnmarshalJSON(b []byte) error {
	whole, frac, _ := strings.Cut(string(b), ".")
	sec, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || strings.HasPrefix(whole, "-") || !digits(frac) {
		f, err := strconv.ParseFloat(string(b), 64)
		if err != nil {
			return fmt.Errorf("time %s is not a number: %w", b, err)
		}
		*s = Seconds(math.Round(f * 1000))
		return nil
	}
	ms := int64(0)
	for i := range 3 {
		ms *= 10
		if i < len(frac) {
			ms += int64(frac[i] - '0')
		}
	}
	*s = Seconds(sec*1000 + ms)
	return nil
}

func digits(s string) bool { return strings.Trim(s, "0123456789") == "" }

// wireTime writes an instant as the parameters time, start and end want it.
func wireTime(t time.Time) string {
	ms := t.UnixMilli()
	sign := ""
	if ms < 0 {
		sign, ms = "-", -ms
	}
	return fmt.Sprintf("%s%d.%03d", sign, ms/1000, ms%1000)
}

// wireDuration writes a duration as seconds with decimals, which every version reads.
func wireDuration(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', -1, 64) }

// Histogram is a native histogram: its count and sum, and its buckets as text
// [rule, lower, upper, count].
type Histogram struct {
	Count   Value    `json:"count"`
	Sum     Value    `json:"sum"`
	Buckets []Bucket `json:"buckets,omitempty"`
}

// Bucket is one bucket: boundary rule (0 open-closed, 1 closed-open, 2 open, 3 closed), then
// lower bound, upper bound and count.
type Bucket struct {
	Rule                int
	Lower, Upper, Count Value
}

// UnmarshalJSON reads [rule,"lower","upper","count"].
func (b *Bucket) UnmarshalJSON(text []byte) error {
	return json.Unmarshal(text, &[]any{&b.Rule, &b.Lower, &b.Upper, &b.Count})
}

// MarshalJSON writes what UnmarshalJSON reads.
func (b Bucket) MarshalJSON() ([]byte, error) {
	return json.Marshal([]any{b.Rule, b.Lower, b.Upper, b.Count})
}
