package printer

import (
	"encoding"
	"encoding/json"
	"reflect"
	"strings"
	"sync"
	"time"
)

var (
	timeType      = reflect.TypeFor[time.Time]()
	marshalerType = reflect.TypeFor[json.Marshaler]()
	textType      = reflect.TypeFor[encoding.TextMarshaler]()
)

// maxDepth ends the walk through values that contain themselves; encoding/json
// then reports the cycle.
const maxDepth = 64

// complete returns v with nil slices and maps made empty and times in UTC, so
// that the JSON contract holds however the value was built. The value given is
// not changed.
func complete(v any) any {
	in := reflect.ValueOf(v)
	if !in.IsValid() || !incomplete(in.Type()) {
		return v
	}
	out := reflect.New(in.Type()).Elem()
	out.Set(in)
	fill(out, 0)
	return out.Interface()
}

// fill completes v in place, replacing what it shares with the original.
func fill(v reflect.Value, depth int) {
	t := v.Type()
	if depth > maxDepth || !incomplete(t) {
		return
	}
	if t == timeType {
		v.Set(reflect.ValueOf(v.Interface().(time.Time).UTC()))
		return
	}
	switch t.Kind() {
	case reflect.Struct:
		for i := range t.NumField() {
			f := t.Field(i)
			tag := f.Tag.Get("json")
			omit := strings.Contains(tag, ",omitzero") && v.Field(i).IsZero()
			if tag != "-" && !omit && (f.IsExported() || f.Anonymous && f.Type.Kind() == reflect.Struct) {
				fill(v.Field(i), depth+1)
			}
		}
	case reflect.Slice:
		c := reflect.MakeSlice(t, v.Len(), v.Len())
		reflect.Copy(c, v)
		for i := range c.Len() {
			fill(c.Index(i), depth+1)
		}
		v.Set(c)
	case reflect.Array:
		for i := range v.Len() {
			fill(v.Index(i), depth+1)
		}
	case reflect.Map:
		c := reflect.MakeMapWithSize(t, v.Len())
		for iter := v.MapRange(); iter.Next(); {
			e := reflect.New(t.Elem()).Elem()
			e.Set(iter.Value())
			fill(e, depth+1)
			c.SetMapIndex(iter.Key(), e)
		}
		v.Set(c)
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return
		}
		e := reflect.New(v.Elem().Type())
		e.Elem().Set(v.Elem())
		fill(e.Elem(), depth+1)
		if t.Kind() == reflect.Interface {
			e = e.Elem()
		}
		v.Set(e)
	}
}

var incompleteTypes sync.Map // reflect.Type -> bool

// incomplete tells whether values of type t may hold something to complete.
func incomplete(t reflect.Type) bool {
	if known, ok := incompleteTypes.Load(t); ok {
		return known.(bool)
	}
	// A type that contains itself is asked about while it is looked at; other
	// fields then decide. Such a type is found through its slice or pointer.
	result := look(t, map[reflect.Type]bool{})
	incompleteTypes.Store(t, result)
	return result
}

func look(t reflect.Type, seen map[reflect.Type]bool) bool {
	switch {
	case t == timeType:
		return true
	case t.Kind() == reflect.Pointer:
		// Before methods are looked at: a pointer to a time has those of times.
		return look(t.Elem(), seen)
	}
	if seen[t] || t.Implements(marshalerType) || t.Implements(textType) ||
		reflect.PointerTo(t).Implements(marshalerType) || reflect.PointerTo(t).Implements(textType) {
		return false
	}
	seen[t] = true
	switch t.Kind() {
	case reflect.Slice, reflect.Map, reflect.Interface:
		return true
	case reflect.Array:
		return look(t.Elem(), seen)
	case reflect.Struct:
		for i := range t.NumField() {
			if look(t.Field(i).Type, seen) {
				return true
			}
		}
	}
	return false
}
