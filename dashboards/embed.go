// Package dashboards holds the templates, styles and ES modules of Frostline's
// pages, embedded as they are: there is no build step, the source is the asset.
package dashboards

import "embed"

// Templates has templates/*.html, for html/template.
//
//go:embed templates
var Templates embed.FS

// Assets has what browsers fetch: style/, modules/ and vendor/. Vendored
// libraries lie beside their licence, origin and SHA256SUMS.
//
//go:embed style modules vendor
var Assets embed.FS

// Locales has locales/PAGE.LANGUAGE.json: the words of pages that are in more
// than one language, by key, with {name} where a value goes.
//
//go:embed locales
var Locales embed.FS
