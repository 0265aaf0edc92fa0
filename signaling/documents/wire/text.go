package wire

import (
	"strconv"
	"time"
	"unicode/utf16"
)

// isTimestamp takes a date-time of RFC 3339, section 5.6, to the letter: Go's reader takes a comma before the fraction, and
// an offset of 60 minutes. The letters may be small. The second 60 is taken where UTC can have one: in the last minute of a
// month (section 5.7 and appendix D), in whatever offset that is written.
func isTimestamp(s string) bool {
	const shape = "0000-00-00T00:00:00"
	if len(s) <= len(shape) || !shaped(s[:len(shape)], shape) {
		return false
	}
	rest := s[len(shape):]
	if rest[0] == '.' {
		digits := 1
		for digits < len(rest) && isDigit(rest[digits]) {
			digits++
		}
		if digits == 1 {
			return false
		}
		rest = rest[digits:]
	}
	offset := 0 // minutes
	switch {
	case rest == "Z" || rest == "z":
	case shaped(rest, "+00:00") || shaped(rest, "-00:00"):
		h, m := number(rest[1:3]), number(rest[4:6])
		if h > 23 || m > 59 {
			return false
		}
		if offset = 60*h + m; rest[0] == '-' {
			offset = -offset
		}
	default:
		return false
	}
	year, month, day := number(s[:4]), number(s[5:7]), number(s[8:10])
	hour, minute, second := number(s[11:13]), number(s[14:16]), number(s[17:19])
	if month < 1 || month > 12 || day < 1 || hour > 23 || minute > 59 || second > 60 {
		return false
	}
	t := time.Date(year, time.Month(month), day, hour, minute, 0, 0, time.UTC)
	if t.Day() != day { // the month has fewer
		return false
	}
	if second < 60 {
		return true
	}
	next := t.Add(time.Duration(1-offset) * time.Minute) // the minute after, in UTC
	return next.Day() == 1 && next.Hour() == 0 && next.Minute() == 0
}

// shaped says whether s is like a shape: a digit where that has 0, the letter in either case, else the same byte.
func shaped(s, shape string) bool {
	if len(s) != len(shape) {
		return false
	}
	for i := range len(s) {
		switch shape[i] {
		case '0':
			if !isDigit(s[i]) {
				return false
			}
		case 'T':
			if s[i] != 'T' && s[i] != 't' {
				return false
			}
		default:
			if s[i] != shape[i] {
				return false
			}
		}
	}
	return true
}

func isDigit(b byte) bool { return b >= '0' && b <= '9' }

func number(digits string) int {
	n, _ := strconv.Atoi(digits) // its shape was looked at
	return n
}

// loneSurrogate says whether a valid JSON string escapes half of a surrogate pair. It has no form in UTF-8 (RFC 3629,
// section 3), and Go's reader puts U+FFFD in its place without a word (RFC 8259, section 8.2 leaves that open).
func loneSurrogate(raw []byte) bool {
	half := func(i int) rune { // that is escaped at i; 0: none
		if i+6 > len(raw) || raw[i] != '\\' || raw[i+1] != 'u' {
			return 0
		}
		n, err := strconv.ParseUint(string(raw[i+2:i+6]), 16, 16)
		if r := rune(n); err == nil && utf16.IsSurrogate(r) {
			return r
		}
		return 0
	}
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' {
			continue
		}
		if first := half(i); first != 0 {
			if second := half(i + 6); second == 0 || utf16.DecodeRune(first, second) == '\uFFFD' {
				return true
			}
			i += 10
		}
		i++ // what is escaped
	}
	return false
}
