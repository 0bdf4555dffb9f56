package world

import (
	"bufio"
	_ "embed"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"
)

//go:embed data/seattle-hourly-normals.csv
var normalsCSV string

// standardTime is the zone of the recorded series and of working hours:
// Pacific Standard Time the year round, as weather stations keep it.
var standardTime = time.FixedZone("PST", -8*3600)

// normals holds the recorded hourly temperatures of a year of 365 days, °C.
var normals = sync.OnceValue(func() *[365 * 24]float64 {
	year := new([365 * 24]float64)
	n := 0
	lines := bufio.NewScanner(strings.NewReader(normalsCSV))
	for lines.Scan() {
		line := lines.Text()
		if strings.HasPrefix(line, "#") || strings.HasPrefix(line, "date") {
			continue
		}
		fields := strings.Split(line, ",")
		for _, f := range fields[1:] {
			v, err := strconv.ParseFloat(f, 64)
			if err != nil || n == len(year) {
				panic(fmt.Sprintf("embedded weather series is damaged at value %d, %q", n, f))
			}
			year[n] = v
			n++
		}
	}
	if n != len(year) {
		panic(fmt.Sprintf("embedded weather series has %d values, want %d", n, len(year)))
	}
	return year
})

// Ambient gives the outdoor air temperature of Seattle at t in °C: NOAA's
// hourly normals, linear between the hours. February 29 repeats the 28th.
func Ambient(t time.Time) float64 {
	year := normals()
	local := t.In(standardTime)
	day := local.YearDay() - 1
	if leap := local.Year()%4 == 0 && (local.Year()%100 != 0 || local.Year()%400 == 0); leap && day >= 59 {
		day--
	}
	hour := day*24 + local.Hour()
	f := (float64(local.Minute())*60 + float64(local.Second()) + float64(local.Nanosecond())/1e9) / 3600
	a, b := year[hour], year[(hour+1)%len(year)]
	return a + (b-a)*f
}

// working reports whether people are about: 06:00 to 20:00 local standard time.
func working(t time.Time) bool {
	h := t.In(standardTime).Hour()
	return h >= 6 && h < 20
}
