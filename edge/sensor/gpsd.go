package sensor

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"frostline/edge/gnss"
)

// gpsdPrefix begins the bus of a receiver that gpsd looks after.
const gpsdPrefix = "gpsd:"

// gpsdAddress is the address in "gpsd:HOST:PORT" or "gpsd:/PATH"; is tells
// whether a bus is one of gpsd.
func gpsdAddress(bus string) (address string, is bool) { return strings.CutPrefix(bus, gpsdPrefix) }

// checkReceiver wants a serial port, or an address of gpsd.
func checkReceiver(name string) (remedy string) {
	address, is := gpsdAddress(name)
	if !is || filepath.IsAbs(address) && len(address) <= 107 {
		return ""
	}
	host, port, err := net.SplitHostPort(address)
	if n, bad := strconv.Atoi(port); err != nil || bad != nil || host == "" || n < 1 || n > 65535 {
		return "want gpsd:HOST:PORT, such as gpsd:127.0.0.1:2947, or gpsd:PATH of its socket"
	}
	return ""
}

// Times of the connection to gpsd.
const (
	gpsdDial = 3 * time.Second
	gpsdRead = 10 * time.Second // it says nothing when its receivers say nothing
)

// watch has gpsd report of all its receivers as JSON, in SI units.
const watch = `?WATCH={"enable":true,"json":true,"scaled":true};` + "\n"

// dialGPSD connects to gpsd by TCP or, given a path, by its socket.
func dialGPSD(address string) (io.ReadWriteCloser, error) {
	network := "tcp"
	if filepath.IsAbs(address) {
		network = "unix"
	}
	c, err := net.DialTimeout(network, address, gpsdDial)
	if err != nil {
		return nil, fmt.Errorf("connect to gpsd: is it running? %w", err)
	}
	if err = c.SetWriteDeadline(time.Now().Add(gpsdDial)); err == nil {
		_, err = io.WriteString(c, watch)
	}
	if err != nil {
		_ = c.Close() // the other error says why
		return nil, fmt.Errorf("ask gpsd for reports: %w", err)
	}
	return gpsdConn{c}, nil
}

// gpsdConn is a connection of which a Read that gets nothing for a while gives
// nothing, as that of a serial port.
type gpsdConn struct{ net.Conn }

func (c gpsdConn) Read(b []byte) (int, error) {
	if err := c.SetReadDeadline(time.Now().Add(gpsdRead)); err != nil {
		return 0, err
	}
	n, err := c.Conn.Read(b)
	if e, is := err.(net.Error); is && e.Timeout() {
		err = nil
	}
	return n, err
}

// maxReport bounds a line of gpsd; a sky full of satellites takes 20 kB.
const maxReport = 64 << 10

// gpsd makes fixes of what gpsd reports, as gpsd_json(5) has it, from release
// 3.0 on, of one receiver: of several that one gpsd has, the last to speak
// counts. TPV is taken, and from SKY the dilution of precision and how many
// satellites are used. Everything else is passed over.
type gpsd struct {
	report func(gnss.Fix)
	line   []byte
	skip   bool // the rest of a line that was too long
	counts gnss.Counts

	hdop float64
	used int
}

func newGPSD(report func(gnss.Fix)) *gpsd { return &gpsd{report: report, used: -1} }

// Counts tells what has come: reports taken as sentences, others, lines that
// were no JSON as bad checksums, bytes of lines too long as noise.
func (g *gpsd) Counts() gnss.Counts { return g.counts }

// Write takes bytes of gpsd, in pieces of any size. It never fails.
func (g *gpsd) Write(b []byte) (int, error) {
	n := len(b)
	for len(b) > 0 {
		part, rest, whole := bytes.Cut(b, []byte{'\n'})
		if len(g.line)+len(part) > maxReport {
			g.counts.Noise += uint64(len(g.line))
			g.line, g.skip = g.line[:0], true
		}
		if g.skip {
			g.counts.Noise += uint64(len(part))
		} else {
			g.line = append(g.line, part...)
		}
		if !whole {
			break
		}
		if line := bytes.TrimSpace(g.line); len(line) > 0 {
			g.object(line)
		}
		g.line, g.skip, b = g.line[:0], false, rest
	}
	return n, nil
}

// gpsdObject is what is read of an object of gpsd.
type gpsdObject struct {
	Class      string      `json:"class"`
	Mode       gnss.Mode   `json:"mode"`
	Status     gnss.Status `json:"status"`
	Time       string      `json:"time"`
	Lat        *float64    `json:"lat"`
	Lon        *float64    `json:"lon"`
	Speed      *float64    `json:"speed"`
	HDOP       float64     `json:"hdop"`
	USat       *int        `json:"uSat"` // since 3.23; before, satellites have to be counted
	Satellites []struct {
		Used bool `json:"used"`
	} `json:"satellites"`
}

func (g *gpsd) object(line []byte) {
	var o gpsdObject
	if err := json.Unmarshal(line, &o); err != nil {
		g.counts.BadChecksum++
		return
	}
	switch o.Class {
	case "TPV":
		g.counts.Sentences++
		f := gnss.Unknown()
		f.Mode, f.Status, f.HDOP, f.Satellites = o.Mode, o.Status, g.hdop, g.used
		if t, err := time.Parse(time.RFC3339Nano, o.Time); err == nil {
			f.Time = t
		}
		if o.Lat != nil && o.Lon != nil && *o.Lat >= -90 && *o.Lat <= 90 && *o.Lon >= -180 && *o.Lon <= 180 {
			f.Lat, f.Lon = *o.Lat, *o.Lon
		}
		if o.Speed != nil {
			f.Speed = *o.Speed
		}
		g.report(f)
	case "SKY":
		g.counts.Sentences++
		if o.HDOP > 0 {
			g.hdop = o.HDOP
		}
		if o.USat != nil {
			g.used = *o.USat
		} else if o.Satellites != nil {
			g.used = 0
			for _, s := range o.Satellites {
				if s.Used {
					g.used++
				}
			}
		}
	case "GST", "ATT", "PPS", "TOFF", "OSC", "IMU":
		g.counts.Other++
	default: // VERSION, DEVICES, WATCH: of gpsd, not of a receiver
	}
}
