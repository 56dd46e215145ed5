package config

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// parseBool reads the words people write for yes and no, in any case.
func parseBool(text string) (bool, error) {
	switch strings.ToLower(strings.TrimSpace(text)) {
	case "true", "yes", "on", "1":
		return true, nil
	case "false", "no", "off", "0":
		return false, nil
	}
	return false, fmt.Errorf("%q is not true or false", text)
}

// Check says what is wrong with text as a value of o. It never repeats a
// secret, nor a URL that carries one.
func (o Option) Check(text string) error {
	if !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
		return errors.New("a value is one line without control characters")
	}
	switch o.Kind {
	case Bool:
		_, err := parseBool(text)
		return err
	case Duration:
		d, err := time.ParseDuration(text)
		if err != nil {
			return fmt.Errorf("%q is not a duration; write 30s or 2m", text)
		}
		if d <= 0 {
			return fmt.Errorf("%q is not above zero", text)
		}
	case URL:
		return checkURL(text)
	case Enum:
		if !slices.Contains(o.Values, text) {
			return fmt.Errorf("%q is not one of %s", text, strings.Join(o.Values, ", "))
		}
	case Zone:
		if _, err := location(text); err != nil {
			return fmt.Errorf("%q is not a time zone; write local, UTC or a name such as Europe/Athens", text)
		}
	case String, Path, Secret:
	}
	return nil
}

func checkURL(text string) error {
	u, err := url.Parse(text)
	if err != nil {
		return errors.New("not a URL") // url.Error repeats the text, which may hold a password
	}
	switch {
	case u.User != nil:
		return errors.New("a URL carries no user or password here; they have settings of their own")
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return fmt.Errorf("%s is not an http or https URL", strconv.Quote(text))
	case u.RawQuery != "" || u.Fragment != "":
		return errors.New("a base URL has no ? and no #")
	}
	return nil
}

// location resolves the values of tz.
func location(name string) (*time.Location, error) {
	switch strings.ToLower(name) {
	case "", "local":
		return time.Local, nil
	case "utc", "z":
		return time.UTC, nil
	}
	return time.LoadLocation(name)
}
