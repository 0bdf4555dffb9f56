package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// Words of which names of columns consist. What is known to be no degrees
// Celsius must never be read as such.
var (
	timeWords    = strings.Fields("time timestamp utc at date datetime unix epoch ts t s ms sec seconds milliseconds millis")
	celsiusWords = strings.Fields("celsius temperature temp value c degc deg degrees °c")
	foreignWords = strings.Fields("fahrenheit f °f degf kelvin k rh humidity % %rh pressure hpa kpa voltage volt volts v mv battery lux light co2 dewpoint")
	weightNames  = strings.Fields("weight weights duration hours minutes seconds")
	otherNames   = strings.Fields("quality quantity unit")
)

// words splits a name of a column: "Temperature (°C)" is temperature and °c.
func words(name string) []string {
	return strings.FieldsFunc(strings.ToLower(name), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '°' && r != '%'
	})
}

// holds tells what a column holds by its name; "" where that does not say.
func holds(name string) string {
	of := words(name)
	all := func(in []string) bool {
		return len(of) > 0 && !slices.ContainsFunc(of, func(w string) bool { return !slices.Contains(in, w) })
	}
	switch plain := strings.ToLower(name); {
	case slices.Contains(weightNames, plain):
		return "weight"
	case slices.Contains(otherNames, plain):
		return plain
	case slices.ContainsFunc(of, func(w string) bool { return slices.Contains(foreignWords, w) }):
		return "foreign"
	case plain != "epoch" && all(timeWords): // which frostline history has for another thing
		return "time"
	case all(celsiusWords), slices.Contains(of, "celsius"), slices.Contains(of, "°c"):
		return "celsius"
	}
	return ""
}

// name takes the header.
func (r *seriesReader) name(f []string) error {
	found, foreign := map[string]int{}, -1
	for i, x := range f {
		as := holds(x)
		switch as {
		case "":
			continue
		case "foreign":
			if foreign < 0 {
				foreign = i
			}
			continue
		}
		if _, twice := found[as]; twice {
			return fmt.Errorf("columns: two hold %s: want one", as)
		}
		found[as] = i
	}
	celsius, named := found["celsius"]
	if foreign >= 0 && !named {
		return fmt.Errorf("column %q: want degrees Celsius, in a column called celsius", f[foreign])
	}
	if len(f) == 1 {
		if len(found) > 0 && !named {
			return fmt.Errorf("column %q: want temperatures, in a column called celsius", f[0])
		}
		return nil
	}
	want := "time"
	if r.weights {
		want = "weight"
	} else if _, weighed := found["weight"]; weighed {
		return errors.New("columns: weights or durations are read by frostline mkt --weights; for times want RFC 3339 or Unix seconds in a column called time")
	}
	first, told := found[want]
	if len(f) == 2 && !(named && celsius == 0) && !(told && first == 1) {
		found["celsius"], found[want] = 1, 0 // in the usual order, whatever they are called
	}
	for _, c := range []string{want, "celsius"} {
		if _, ok := found[c]; !ok {
			return fmt.Errorf("columns %s: none of them is called %s", strings.Join(f, ", "), c)
		}
	}
	if r.columns = found; want == "time" {
		r.clocked(words(f[found["time"]]))
	}
	return nil
}

// clocked takes from the name of a column how its times are written.
func (r *seriesReader) clocked(name []string) {
	has := func(words ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return slices.Contains(name, w) })
	}
	switch {
	case has("ms", "milliseconds", "millis"):
		r.clock = unixMillis
	case has("s", "sec", "seconds"):
		r.clock = unixSeconds
	}
}

// commas reports whether lines of two whole numbers are rather temperatures
// with a decimal comma: nobody said what they are, the first would be seconds
// of 1970 that run to and fro, or stand, within the range of temperatures.
func (r *seriesReader) commas() bool {
	if r.s.Header || !r.s.Timed || r.clock != unixSeconds || r.fractions || len(r.s.rows) < 2 {
		return false
	}
	orderly := true
	for i, x := range r.s.rows {
		if x.at < -100_000 || x.at > 100_000 {
			return false
		}
		orderly = orderly && (i == 0 || x.at > r.s.rows[i-1].at)
	}
	return !orderly
}
