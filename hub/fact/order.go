package fact

// OrderPlaced is an order of the pharmacy system.
type OrderPlaced struct {
	ID      string      `json:"id"`
	Patient string      `json:"patient,omitempty"` // an opaque token
	Lines   []OrderLine `json:"lines"`
	Due     int64       `json:"due,omitempty"` // UTC, Unix ms
}

// OrderLine is so much of a product.
type OrderLine struct {
	Product  string `json:"product"`
	Quantity int    `json:"quantity"`
}

// OrderCancelled ends an order before its delivery.
type OrderCancelled struct {
	ID string `json:"id"`
}

// ShipmentPlanned is a delivery of an order's packages to one place.
type ShipmentPlanned struct {
	ID      string `json:"id"`
	Order   string `json:"order,omitempty"`
	From    string `json:"from,omitempty"` // site
	To      string `json:"to,omitempty"`   // site; "" for a patient's home
	Carrier string `json:"carrier,omitempty"`
	ETA     int64  `json:"eta,omitempty"` // UTC, Unix ms; 0 where nobody has told
}

// ShipmentReported is a status of a shipment as its carrier or custodian says.
type ShipmentReported struct {
	ID       string    `json:"id"` // of the report
	Shipment string    `json:"shipment"`
	Status   string    `json:"status"` // see Statuses
	At       int64     `json:"at"`
	ETA      int64     `json:"eta,omitempty"`
	Position *Position `json:"position,omitempty"`
	Source   string    `json:"source"`
	Made     int64     `json:"made"`
	Note     string    `json:"note,omitempty"`
}

// Statuses of a shipment, in the order in which they are reached. The last
// three are ends.
var Statuses = []string{"planned", "packed", "dispatched", "in_transit", "arrived", "delivered", "returned", "failed"}

// PackagePacked begins the watch over a package. Where it is, and which units
// are in it, is told by Attached.
type PackagePacked struct {
	ID       string `json:"id"` // SSCC or label
	Shipment string `json:"shipment,omitempty"`
	// Profile that the package is judged by when it has no unit whose product
	// says more; a version of 0 is the one in force at At.
	Profile string `json:"profile,omitempty"`
	Version int    `json:"version,omitempty"`
	At      int64  `json:"at"` // the watch begins
	Made    int64  `json:"made"`
}

// PackageClosed ends the watch: the package was delivered, returned to stock
// or destroyed at At.
type PackageClosed struct {
	ID     string `json:"id"`
	How    string `json:"how"` // delivered, returned, destroyed, lost
	At     int64  `json:"at"`
	Made   int64  `json:"made"`
	Reopen bool   `json:"reopen,omitempty"` // withdraws an earlier close
}

// UnitReceived makes a serialised unit known.
type UnitReceived struct {
	ID      string  `json:"id"` // GTIN.SERIAL
	Product string  `json:"product"`
	GTIN    string  `json:"gtin"`
	Serial  string  `json:"serial"`
	Lot     string  `json:"lot"`
	Expiry  string  `json:"expiry"` // YYYY-MM-DD
	Spent   []Spent `json:"spent,omitempty"`
}

// Spent is what an earlier custodian says was used of a stability budget.
type Spent struct {
	Budget   string `json:"budget"` // its name in the profile or product
	Duration int64  `json:"ms"`
	Source   string `json:"source"` // who says so, by which document
}

// InventoryAdjusted changes the stock of a product at a site.
type InventoryAdjusted struct {
	ID      string `json:"id"`
	Product string `json:"product"`
	Site    string `json:"site"`
	Lot     string `json:"lot,omitempty"`
	Change  int64  `json:"change"` // units, not 0
	Reason  string `json:"reason"`
}
