// Package ble hears loggers that advertise what they measure over Bluetooth Low
// Energy: BTHome version 2, encrypted or not (https://bthome.io/format,
// https://bthome.io/encryption), and Ruuvi's data format 5, RAWv2
// (https://docs.ruuvi.com/communication/bluetooth-advertisements/data-format-5-rawv2).
//
// Advertisements come from BlueZ over D-Bus. Where BlueZ offers advertisement
// monitors the adapter listens only; else it scans, which asks each device
// nearby for more than it says by itself, and costs its battery a little.
//
// What looks like data and is not: numbers that stand for "not measured"; an
// advertisement heard again, which most loggers send many times for each
// measurement, and which is no new one; what BlueZ remembers of a device that
// was heard long ago; a recorded advertisement that somebody sends again; one
// without encryption in the name of a logger that encrypts; and one whose
// address does not fit the one within.
package ble
