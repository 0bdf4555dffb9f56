package report

// column of a table: its head and share of the width, in mm.
type column struct {
	head string
	w    float64
}

// table writes rows under heads; cells take as many lines as they need, and the
// heads are repeated on each page.
func (p *page) table(columns []column, rows [][]string) {
	head := func() {
		p.font("B", 7.5, faint)
		p.SetFillColor(shade[0], shade[1], shade[2])
		for _, c := range columns {
			p.CellFormat(c.w, 5, c.head, "", 0, "L", true, 0, "")
		}
		p.Ln(5.4)
	}
	p.keep(14)
	head()
	for _, row := range rows {
		p.font("", 8, ink)
		cells := make([][]string, len(columns))
		lines := 1
		for i, c := range columns {
			cells[i] = p.wrap(row[i], c.w)
			lines = max(lines, len(cells[i]))
		}
		lines = min(lines, 40)
		_, height := p.GetPageSize()
		if p.GetY()+float64(lines)*4+2 > height-18 {
			p.AddPage()
			head()
			p.font("", 8, ink)
		}
		x, y := p.left, p.GetY()
		for i, c := range columns {
			for n, l := range cells[i] {
				if n >= lines {
					break
				}
				p.SetXY(x, y+float64(n)*4)
				p.CellFormat(c.w, 4, l, "", 0, "L", false, 0, "")
			}
			x += c.w
		}
		p.SetXY(p.left, y+float64(lines)*4+0.8)
		p.SetDrawColor(rule[0], rule[1], rule[2])
		p.SetLineWidth(0.1)
		p.Line(p.left, p.GetY()-0.4, p.left+width, p.GetY()-0.4)
	}
	p.Ln(1)
}

// wrap breaks text into lines of a width, in the present font, also within
// words that are longer than a line.
func (p *page) wrap(text string, w float64) []string {
	var out []string
	current := ""
	flush := func() { out, current = append(out, current), "" }
	for _, word := range split(clean(text)) {
		if word == "\n" {
			flush()
			continue
		}
		if p.GetStringWidth(current+word) <= w-1.5 {
			current += word
			continue
		}
		if current != "" {
			flush()
		}
		if word == " " {
			continue
		}
		for p.GetStringWidth(word) > w-1.5 {
			n := 1
			runes := []rune(word)
			for n < len(runes) && p.GetStringWidth(string(runes[:n+1])) <= w-1.5 {
				n++
			}
			out = append(out, string(runes[:n]))
			word = string(runes[n:])
		}
		current = word
	}
	if current != "" || len(out) == 0 {
		flush()
	}
	return out
}

// split cuts text into words, spaces and line ends.
func split(s string) []string {
	var out []string
	begin := 0
	for i, r := range s {
		if r == ' ' || r == '\n' {
			if begin < i {
				out = append(out, s[begin:i])
			}
			out = append(out, string(r))
			begin = i + 1
		}
	}
	if begin < len(s) {
		out = append(out, s[begin:])
	}
	return out
}
