package correlate

import (
	"fmt"
	"testing"

	"frostline/hub/fact"
	"frostline/hub/store"
	"frostline/hub/store/storetest"
)

// Where packages are is known without a reading, and without having judged them.
func TestCarriages(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		r := newRig(t, db)
		fleet(r, 2, 3)
		in := ref("compartment/C1")
		r.journal.deliver(made("c1", 100, noon, fact.PackageWasClosed, "package/P00000", fact.PackageClosed{ID: "P00000", How: "delivered", At: noon + 1, Made: noon + 1}))
		r.journal.deliver(made("c2", 101, noon, fact.PackageWasPacked, "package/LONE", fact.PackagePacked{ID: "LONE", At: noon, Made: noon}))
		r.now = noon + 1000
		r.settle()
		ids := r.engine.OpenPackages()
		if got := fmt.Sprint(ids); got != "[LONE P00001 P00002]" {
			t.Fatalf("open are %s", got)
		}
		all := r.engine.Carriages(append(ids, "P00000", "NEVER"))
		if len(all) != 3 {
			t.Errorf("carriages of %d packages", len(all))
		}
		if c := all["P00001"]; c.In != in || fmt.Sprint(c.Gateways) != "[g1]" || len(c.Profiles) != 1 || c.Profiles[0].ID != "refrigerated" {
			t.Errorf("P00001 is %+v", c)
		}
		if c := all["LONE"]; !c.In.IsZero() || len(c.Gateways) > 0 || len(c.Profiles) > 0 {
			t.Errorf("LONE is %+v", c)
		}
	})
}
