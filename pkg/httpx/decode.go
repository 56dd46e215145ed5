package httpx

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"reflect"
	"strings"

	"github.com/balena-io/oncall/pkg/apierr"
)

// decode reads the JSON answer of a 2xx into out. What cannot be read after a
// change is of kind ErrUnknownOutcome: it was probably made, and the part that
// would say so is missing.
func (c *Client) decode(cl *call, out any) error {
	status := cl.res.StatusCode
	if cl.r.Method == http.MethodHead || status == http.StatusNoContent || status == http.StatusResetContent {
		return nil
	}
	var e *apierr.Error
	if len(strings.TrimSpace(string(cl.data[:min(len(cl.data), 64)]))) == 0 && len(cl.data) <= 64 {
		e = c.fail(cl, apierr.ErrUnavailable, "the answer is empty where JSON was due")
	} else if err := json.Unmarshal(cl.data, out); err != nil {
		e = c.fail(cl, apierr.ErrUnavailable, "%s", plainJSONError(err))
		var shape *json.UnmarshalTypeError
		if errors.As(err, &shape) {
			e.Kind = nil
		}
		if kind := mediaType(cl.res.Header.Get("Content-Type")); kind != "" && !strings.Contains(kind, "json") {
			e.Message = "the answer is " + oneLine(kind, 40) + ", not JSON"
		}
	}
	if e == nil {
		return nil
	}
	e.Status, e.RequestID = status, c.requestID(cl.res.Header)
	return c.lost(cl, e, status)
}

// plainJSONError tells what is wrong with JSON without the names of Go types.
func plainJSONError(err error) string {
	var (
		syntax *json.SyntaxError
		shape  *json.UnmarshalTypeError
		value  *json.UnsupportedValueError
		typ    *json.UnsupportedTypeError
	)
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF), errors.As(err, &syntax) && strings.Contains(syntax.Error(), "unexpected end"):
		return "the answer was cut off: its JSON has no end"
	case errors.As(err, &syntax):
		return "the answer is not valid JSON (at byte " + itoa(syntax.Offset) + ")"
	case errors.As(err, &shape):
		where := ""
		if shape.Field != "" {
			where = " at " + shape.Field
		}
		return "the answer has " + article(shape.Value) + where + ", where " + kindWord(shape.Type) + " was due"
	case errors.As(err, &value):
		return "a value has no form in JSON: " + value.Str
	case errors.As(err, &typ):
		return "a field has no form in JSON"
	}
	return "the answer has an unexpected value: " + strings.TrimPrefix(err.Error(), "json: ")
}

func article(value string) string {
	word, rest, _ := strings.Cut(value, " ")
	switch word {
	case "object":
		return "an object"
	case "array":
		return "a list"
	case "string":
		return "text"
	case "bool":
		return "true or false"
	case "number":
		if rest != "" {
			return "the number " + oneLine(rest, 40)
		}
		return "a number"
	}
	return oneLine(value, 40)
}

func kindWord(t reflect.Type) string {
	if t == nil {
		return "something else"
	}
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		return "text"
	case reflect.Slice, reflect.Array:
		return "a list"
	case reflect.Struct, reflect.Map:
		return "an object"
	case reflect.Float32, reflect.Float64:
		return "a number"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "a whole number"
	}
	return "something else"
}
