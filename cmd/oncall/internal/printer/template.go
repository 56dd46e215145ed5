package printer

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/template"
	"time"

	"github.com/balena-io/oncall/cmd/oncall/internal/ios"
	"github.com/balena-io/oncall/pkg/apierr"
)

// parseTemplate reads a --template. now is the clock of its age function.
func parseTemplate(text string, now func() time.Time) (*template.Template, error) {
	if now == nil {
		now = time.Now
	}
	t, err := template.New("--template").Funcs(templateFuncs).
		Funcs(template.FuncMap{"age": func(v any) (string, error) { return templateAge(v, now()) }}).Parse(text)
	if err != nil {
		message := strings.TrimPrefix(err.Error(), "template: --template:")
		return nil, apierr.New(apierr.ErrUsage, "", "--template", "line %s", ios.Visible(message)).
			WithHint("the template reads the JSON envelope: --template '{{range .items}}{{.name}}{{\"\\n\"}}{{end}}'")
	}
	return t, nil
}

// templateFuncs are what a template can call besides the built-in functions and
// age.
var templateFuncs = template.FuncMap{
	"json":    templateJSON,
	"upper":   func(v any) string { return strings.ToUpper(textOf(v)) },
	"lower":   func(v any) string { return strings.ToLower(textOf(v)) },
	"trim":    func(v any) string { return strings.TrimSpace(textOf(v)) },
	"join":    templateJoin,
	"default": templateDefault,
}

func (p *Printer) execute(w io.Writer, input any) error {
	var b strings.Builder
	if err := p.template.Execute(&b, numbers(input)); err != nil {
		message := strings.TrimPrefix(err.Error(), "template: --template:")
		return &apierr.Error{Op: "--template", Message: "line " + ios.Visible(message), Err: err}
	}
	text := p.shown(b.String())
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	_, err := io.WriteString(w, text)
	return err
}

// decimal is a JSON number with a fraction: it compares as a number and prints
// without an exponent.
type decimal float64

func (d decimal) String() string { return strconv.FormatFloat(float64(d), 'f', -1, 64) }

// numbers makes of json.Number what templates can compare: int64 or decimal.
// A number that neither holds exactly stays as it is written.
func numbers(v any) any {
	switch x := v.(type) {
	case map[string]any:
		for k, e := range x {
			x[k] = numbers(e)
		}
	case []any:
		for i, e := range x {
			x[i] = numbers(e)
		}
	case json.Number:
		if n, err := strconv.ParseInt(x.String(), 10, 64); err == nil {
			return n
		}
		if f, err := x.Float64(); err == nil && decimal(f).String() == x.String() {
			return decimal(f)
		}
	}
	return v
}

func textOf(v any) string {
	if v == nil {
		return ""
	}
	return fmt.Sprint(v)
}

func templateJSON(v any) (string, error) {
	text, err := marshal(v)
	return string(escapeHidden(text)), err
}

// templateJoin joins the elements of a list: {{join ", " .pagedUsers}}.
func templateJoin(sep string, v any) string {
	list, ok := v.([]any)
	if !ok {
		return textOf(v)
	}
	words := make([]string, len(list))
	for i, e := range list {
		words[i] = textOf(e)
	}
	return strings.Join(words, sep)
}

// templateDefault is v, or fallback when v is absent or empty.
func templateDefault(fallback, v any) any {
	switch x := v.(type) {
	case nil:
		return fallback
	case string:
		if x == "" {
			return fallback
		}
	case []any:
		if len(x) == 0 {
			return fallback
		}
	case map[string]any:
		if len(x) == 0 {
			return fallback
		}
	}
	return v
}

// templateAge is how long ago an RFC 3339 time was: {{age .startedAt}}.
func templateAge(v any, now time.Time) (string, error) {
	text := textOf(v)
	if text == "" {
		return "-", nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return "", err
	}
	return ios.Age(now.Sub(t)), nil
}
