package web

import (
	"html"
	"regexp"
	"strings"
	"testing"

	"frostline/dashboards"
	"frostline/hub/web/tongue"
)

// TestWorkbenchInSpanish: each word of these pages has its Spanish, and what is put
// together is said in it.
func TestWorkbenchInSpanish(t *testing.T) {
	tongues, err := tongue.Load()
	if err != nil {
		t.Fatal(err)
	}
	es := tongues["es"]
	for _, name := range []string{"excursion", "excursions", "trail"} {
		text, err := dashboards.Templates.ReadFile("templates/" + name + ".html")
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range regexp.MustCompile(`\bt "([^"]*)"`).FindAllStringSubmatch(string(text), -1) {
			if !es.Known(key[1]) {
				t.Errorf("%s: %q has no Spanish", name, key[1])
			}
		}
		bare := regexp.MustCompile(`\{\{.*?\}\}`).ReplaceAllString(string(text), "")
		for _, m := range regexp.MustCompile(`>([^<>]*[A-Za-z]{3}[^<>]*)<`).FindAllStringSubmatch(bare, -1) {
			t.Errorf("%s: %q stands there in English", name, m[1])
		}
	}
	b := openBench(t)
	ann := b.as("ann", "qa", "auditor")
	for text := range map[string]bool{doneSteps["sign"]: true, doneSteps["propose"]: true, "The case waits for a second approver.": true} {
		if es.Tell(text) == text {
			t.Errorf("%q has no Spanish", text)
		}
	}
	for path, wants := range map[string][]string{
		"/view/excursions": {"El paquete P1 estuvo por encima de 8 °C durante 30 min 36 s", "darse por enterado en", "sin cerrar", "Nada dio fe del paquete P1"},
		"/view/excursion/" + b.id + "?if_above=8&if_above_min=45": {"Lo peor fue 10.554 °C el", "Excursión: se incumplió una regla de", "sensor cargo de van-1", "Margen 8 a 25 °C, 2 unidades del lote L1: 30 min 36 s de 2 h usados, quedan 1 h 29 min",
			"Esto no es un veredicto.", "máxima", "compartimento van-1-box", "Darse por enterado", "¿Y si rigieran otras reglas?", "del anillo al punto"},
		"/view/trail/excursion/" + b.id: {"Historial de excursión " + b.id, "tal como se registró"},
	} {
		body := html.UnescapeString(ann.do("GET", path, "", "Accept-Language", "es-US,es;q=0.9").body)
		for _, want := range wants {
			if !strings.Contains(body, want) {
				t.Errorf("%s: %q is not in it", path, want)
			}
		}
	}
}
