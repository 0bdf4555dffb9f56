// Package sheet reads the registry's records from CSV and JSON files, as people
// export them from spreadsheets and other programs, and writes them as CSV.
//
// Reading goes on after a mistake, so that one look shows all of them; each
// [Mistake] names line, field, value and remedy. What a file means beyond its
// shape (whether references exist, whether a check digit is right) is not known
// here.
//
// # CSV
//
// The first line names the columns: see [Columns]. Case, spaces, hyphens and
// underscores in names do not matter. Text is UTF-8, with or without a byte
// order mark; lines end with LF or CRLF; fields are separated by commas unless
// [Options.Separator] says else. Temperatures are degrees Celsius with a point,
// times RFC 3339 or a day in UTC, durations such as 30m, 12h or 14d.
//
// A text that begins with =, +, -, @ or ' would be run as a formula, or lose
// its first character, when a spreadsheet opens the file. [Write] puts an
// apostrophe before it and [Parse] takes that away again.
//
// # JSON
//
// An array of records, or records one after the other (JSON lines), in the
// shape in which the REST interface gives them. Unknown and repeated names are
// mistakes.
package sheet
