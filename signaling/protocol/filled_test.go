package protocol

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"github.com/google/uuid"
)

// filled makes a payload in which every field is set. Variants differ in enum values and in which pointers are nil.
func filled(spec Spec, variant int) any {
	f := filler{variant: variant}
	v := reflect.New(reflect.TypeOf(spec.Payload)).Elem()
	f.object(v, spec.Fields)
	return v.Interface()
}

type filler struct{ variant, set int }

func (f *filler) object(v reflect.Value, rules Fields) {
	for i := range v.NumField() {
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		if rules[name].In != Absent {
			f.fill(v.Field(i), rules[name])
		}
	}
}

func (f *filler) fill(v reflect.Value, rule Rule) {
	f.set++
	switch v.Interface().(type) {
	case uuid.UUID:
		v.Set(reflect.ValueOf(uuid.NewSHA1(uuid.NameSpaceOID, []byte{byte(f.set), byte(f.variant)})))
		return
	case json.RawMessage:
		b := []byte("null")
		if f.variant%2 == 1 {
			shape := reflect.New(reflect.TypeOf(rule.Shape)).Elem()
			f.object(shape, nil)
			b, _ = json.Marshal(shape.Interface())
		}
		v.SetBytes(b)
		return
	case Details:
		v.Set(reflect.ValueOf(Details{"type": TypeConnect, "supported_versions": SupportedVersions()}))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		f.object(v, nil)
	case reflect.Pointer:
		if f.variant%3 != 0 {
			v.Set(reflect.New(v.Type().Elem()))
			f.fill(v.Elem(), rule)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), f.variant%3, 3))
		for i := range v.Len() {
			f.fill(v.Index(i), each(rule))
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		f.fill(key, Rule{})
		f.fill(value, each(rule))
		v.SetMapIndex(key, value)
	case reflect.Bool:
		v.SetBool(f.variant%2 == 0)
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(f.set))
	case reflect.Uint16, reflect.Uint64:
		v.SetUint(uint64(f.set))
	case reflect.Float64:
		v.SetFloat(float64(f.set) + 0.5)
	case reflect.String:
		v.SetString(f.text(v, rule))
	default:
		panic(fmt.Sprintf("no value for %s", v.Type()))
	}
}

func each(rule Rule) Rule {
	if rule.Each == nil {
		return Rule{}
	}
	return *rule.Each
}

func (f *filler) text(v reflect.Value, rule Rule) string {
	if m := v.MethodByName("Values"); m.IsValid() {
		values := m.Call(nil)[0]
		return values.Index(f.variant % values.Len()).String()
	}
	if rule.Const != "" {
		return rule.Const
	}
	switch rule.Format {
	case FormatUUID:
		return uuid.NewSHA1(uuid.NameSpaceOID, []byte{byte(f.set)}).String()
	case FormatURI:
		return "turn:relay.example.com:3478?transport=udp"
	case FormatDateTime:
		return "2030-01-02T03:04:05.678Z"
	case FormatSDP:
		return b64(someSDP)
	}
	return fmt.Sprintf("text %d", f.set)
}
