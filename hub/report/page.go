package report

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"codeberg.org/go-pdf/fpdf"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/gomono"
	"golang.org/x/image/font/gofont/goregular"
)

// Measures of a page, in mm: A4 and US Letter both leave room for it.
const (
	margin = 15.0
	width  = 180.0
	line   = 4.4
)

// colour is red, green, blue.
type colour [3]int

var (
	ink    = colour{28, 32, 38}
	faint  = colour{105, 112, 122}
	rule   = colour{205, 210, 216}
	good   = colour{22, 110, 62}
	bad    = colour{178, 30, 30}
	unsure = colour{140, 95, 0}
	shade  = colour{243, 245, 247}
	curve  = colour{30, 90, 170}
	band   = colour{185, 208, 236}
	gap    = colour{236, 236, 230}
	over   = colour{250, 222, 222}
)

// page is a document being written.
type page struct {
	*fpdf.Fpdf
	left float64
}

// newPage begins a document. At dates it, Unix ms; foot stands on each page.
func newPage(title, foot string, at int64) *page {
	f := fpdf.New("P", "mm", "A4", "")
	f.SetCatalogSort(true)
	when := time.UnixMilli(at).UTC()
	f.SetCreationDate(when)
	f.SetModificationDate(when)
	f.SetProducer("Frostline", true)
	f.SetTitle(title, true)
	f.SetLang("en")
	// Copies, because the library writes into what it is given.
	f.AddUTF8FontFromBytes("go", "", bytes.Clone(goregular.TTF))
	f.AddUTF8FontFromBytes("go", "B", bytes.Clone(gobold.TTF))
	f.AddUTF8FontFromBytes("mono", "", bytes.Clone(gomono.TTF))
	f.SetMargins(margin, margin, margin)
	f.SetAutoPageBreak(true, 18)
	f.AliasNbPages("{pages}")
	p := &page{Fpdf: f, left: margin}
	f.SetFooterFunc(func() {
		f.SetY(-13)
		p.font("", 7, faint)
		f.CellFormat(width-25, 4, p.fit(foot, width-25), "", 0, "L", false, 0, "")
		f.CellFormat(25, 4, fmt.Sprintf("page %d of {pages}", f.PageNo()), "", 0, "R", false, 0, "")
	})
	f.AddPage()
	p.font("B", 16, ink)
	f.MultiCell(width, 7.5, clean(title), "", "L", false)
	return p
}

func (p *page) font(style string, size float64, c colour) {
	p.SetFont("go", style, size)
	p.SetTextColor(c[0], c[1], c[2])
}

func (p *page) heading(text string) {
	p.keep(16)
	p.Ln(3)
	p.font("B", 11, ink)
	p.CellFormat(width, 6, clean(text), "", 1, "L", false, 0, "")
	p.SetDrawColor(rule[0], rule[1], rule[2])
	p.SetLineWidth(0.2)
	p.Line(p.left, p.GetY(), p.left+width, p.GetY())
	p.Ln(1.2)
}

func (p *page) subheading(text string) {
	p.keep(12)
	p.Ln(1.5)
	p.font("B", 9, ink)
	p.CellFormat(width, 5, clean(text), "", 1, "L", false, 0, "")
}

func (p *page) text(c colour, text string) {
	p.font("", 9, c)
	p.MultiCell(width, line, clean(text), "", "L", false)
}

// keep begins a new page unless so much room is left on this one.
func (p *page) keep(height float64) {
	_, h := p.GetPageSize()
	if p.GetY()+height > h-18 {
		p.AddPage()
	}
}

// fact writes a name and its value; a long value takes several lines.
func (p *page) fact(name, value string) {
	p.keep(line)
	y := p.GetY()
	p.font("", 9, faint)
	p.CellFormat(42, line, clean(name), "", 0, "L", false, 0, "")
	p.SetY(y)
	p.SetX(p.left + 42)
	p.font("", 9, ink)
	p.MultiCell(width-42, line, clean(value), "", "L", false)
}

// code writes a name and a value to be compared letter by letter.
func (p *page) code(name, value string) {
	p.keep(line)
	p.font("", 9, faint)
	p.CellFormat(42, line, clean(name), "", 0, "L", false, 0, "")
	p.SetFont("mono", "", 7.6)
	p.SetTextColor(ink[0], ink[1], ink[2])
	p.MultiCell(width-42, line, clean(value), "", "L", false)
}

// fit cuts text to a width in the present font.
func (p *page) fit(text string, w float64) string {
	text = clean(text)
	if p.GetStringWidth(text) <= w-1 {
		return text
	}
	runes := []rune(text)
	for len(runes) > 0 && p.GetStringWidth(string(runes)+"…") > w-1 {
		runes = runes[:len(runes)-1]
	}
	return string(runes) + "…"
}

// clean leaves out what would disturb a line: control characters, and what
// lies beyond the fonts' plane, which is shown as a replacement character.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n':
			return r
		case r < ' ' || r == 0x7f:
			return ' '
		case r > 0xffff:
			return '\ufffd'
		}
		return r
	}, strings.ToValidUTF8(s, "\ufffd"))
}

// bytes ends the document.
func (p *page) bytes() ([]byte, error) {
	var b bytes.Buffer
	if err := p.Output(&b); err != nil {
		return nil, fmt.Errorf("print report: %w", err)
	}
	return b.Bytes(), nil
}
