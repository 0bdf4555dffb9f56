package sheet

import (
	"fmt"

	"frostline/hub/fact"
	"frostline/proto/thermal"
)

// MostBudgets is how many stability budgets a line of a CSV file has columns
// for.
const MostBudgets = 4

// budgets are the columns of a product's stability budgets.
func budgets() []Column {
	var all []Column
	for i := range MostBudgets {
		name, optional := "budget", ""
		if i > 0 {
			name = fmt.Sprintf("budget%d", i+1)
			optional = " (a further budget)"
		}
		add := func(suffix, field, help, example string, at func(*thermal.Budget) cell) {
			if i > 0 {
				help, example = help+optional, ""
			}
			all = append(all, Column{Name: name + suffix, Field: fmt.Sprintf("budgets[%d].%s", i, field), Help: help, Example: example,
				cell: func(r *row) cell { return budgetCell{r.record.(*fact.ProductRecord), i, at} }})
		}
		add("", "name", "name of a stability budget of the manufacturer", "room temperature", func(b *thermal.Budget) cell { return textCell{&b.Name} })
		add("_above", "above", "it is spent above this, degrees", "8", func(b *thermal.Budget) cell { return limitCell{p: &b.Above} })
		add("_below", "below", "it is spent below this, degrees", "30", func(b *thermal.Budget) cell { return limitCell{p: &b.Below} })
		add("_allowed", "allowed", "time allowed over the unit's whole life", "28d", func(b *thermal.Budget) cell { return durationCell{p: &b.Allowed} })
		add("_kind", "kind", "heat or freeze; empty is heat where above is given", "", func(b *thermal.Budget) cell { return textCell{(*string)(&b.Kind)} })
		add("_source", "source", "document of the manufacturer", "Label 2025-11, section 16.2", func(b *thermal.Budget) cell { return textCell{&b.Source} })
	}
	return all
}

// budgetCell is a cell of the i-th budget, which is there once a cell of it is
// set.
type budgetCell struct {
	product *fact.ProductRecord
	i       int
	at      func(*thermal.Budget) cell
}

func (c budgetCell) set(s string) error {
	for len(c.product.Budgets) <= c.i {
		c.product.Budgets = append(c.product.Budgets, thermal.Budget{})
	}
	return c.at(&c.product.Budgets[c.i]).set(s)
}

func (c budgetCell) get() string {
	if c.i >= len(c.product.Budgets) {
		return ""
	}
	return c.at(&c.product.Budgets[c.i]).get()
}

func (c budgetCell) text() bool { return c.at(&thermal.Budget{}).text() }
