package config

import (
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/balena-io/oncall/pkg/lazyregexp"
)

// decode puts n into the value that into points at. yaml's own strict mode
// works on whole texts only, so unknown keys are looked for here, where the
// line in the file is still known.
func (d *document) decode(n *yaml.Node, into any) error {
	check := &document{path: d.path}
	check.strict(n, reflect.TypeOf(into), 0)
	if len(check.errs) > 0 {
		return together(check.errs)
	}
	err := n.Decode(into)
	var te *yaml.TypeError
	if errors.As(err, &te) {
		var errs []error
		for _, text := range te.Errors {
			errs = append(errs, usage("%s", d.typeError(text)))
		}
		return together(errs)
	}
	if err != nil {
		return d.decodeError(n, err)
	}
	return nil
}

func (d *document) decodeError(n *yaml.Node, err error) error {
	e := usage("%s: %s", at(d.path, n.Line), strings.TrimPrefix(err.Error(), "yaml: "))
	e.Err = err
	return e
}

var (
	typeLine = lazyregexp.New(`^line (\d+): (.*)$`)
	intoType = lazyregexp.New("cannot unmarshal (!!\\w+)(?: `(.*)`)? into .*")
)

// typeError says "line 4: cannot unmarshal !!str `x` into int" in words that
// name no Go type.
func (d *document) typeError(text string) string {
	line := 0
	if m := typeLine().FindStringSubmatch(text); m != nil {
		line, _ = strconv.Atoi(m[1])
		text = m[2]
	}
	if m := intoType().FindStringSubmatch(text); m != nil {
		text = "a value of this kind does not belong here"
		if m[2] != "" {
			text = fmt.Sprintf("%q does not belong here", m[2])
		}
	}
	return at(d.path, line) + ": " + text
}

var unmarshaler = reflect.TypeFor[yaml.Unmarshaler]()

// strict looks for keys of n that t has no field for.
func (d *document) strict(n *yaml.Node, t reflect.Type, depth int) {
	n = resolved(n)
	if depth > maxDepth || t.Implements(unmarshaler) || reflect.PointerTo(t).Implements(unmarshaler) {
		return
	}
	switch t.Kind() {
	case reflect.Pointer:
		d.strict(n, t.Elem(), depth)
	case reflect.Slice, reflect.Array:
		if n.Kind == yaml.SequenceNode {
			for _, item := range n.Content {
				d.strict(item, t.Elem(), depth+1)
			}
		}
	case reflect.Map:
		if n.Kind == yaml.MappingNode {
			for _, p := range d.pairs(n, "") {
				d.strict(p.value, t.Elem(), depth+1)
			}
		}
	case reflect.Struct:
		if n.Kind != yaml.MappingNode {
			return
		}
		fields, names, open := yamlFields(t)
		for _, p := range d.pairs(n, "") {
			if f, ok := fields[p.key]; ok {
				d.strict(p.value, f, depth+1)
			} else if !open {
				d.unknown(p, names)
			}
		}
	}
}

// yamlFields lists the keys that a struct takes, by yaml's own rules; open
// means that an inlined map takes the rest.
func yamlFields(t reflect.Type) (fields map[string]reflect.Type, names []string, open bool) {
	fields = map[string]reflect.Type{}
	for i := range t.NumField() {
		f := t.Field(i)
		tag := f.Tag.Get("yaml")
		name, flags, _ := strings.Cut(tag, ",")
		if tag == "-" || !f.IsExported() {
			continue
		}
		if strings.Contains(flags, "inline") {
			inner := f.Type
			if inner.Kind() == reflect.Pointer {
				inner = inner.Elem()
			}
			if inner.Kind() == reflect.Map {
				open = true
				continue
			}
			below, order, more := yamlFields(inner)
			for k, v := range below {
				fields[k] = v
			}
			names, open = append(names, order...), open || more
			continue
		}
		if name == "" {
			name = strings.ToLower(f.Name)
		}
		fields[name] = f.Type
		names = append(names, name)
	}
	return fields, names, open
}
