package rest

import (
	"github.com/danielgtaylor/huma/v2"
)

// describe adds to an operation of the document what the chain does for it.
func describe(op *huma.Operation) {
	if !writes(op.Method) {
		return
	}
	least, most := 1, 128
	op.Parameters = append(op.Parameters, &huma.Param{
		Name: keyHeader, In: "header",
		Description: "Makes the request one, however often it is sent: the same key with the same request is answered as the first time, for a day.",
		Schema:      &huma.Schema{Type: huma.TypeString, MinLength: &least, MaxLength: &most, Pattern: keyForm.String()},
	})
}
