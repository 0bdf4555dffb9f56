package fact

import (
	"encoding/json"
	"fmt"
	"reflect"
	"sort"
)

// Types of events, as CONTEXT.WHAT-HAPPENED. The context names the subject on
// which an event is published.
const (
	SiteDefined        = "registry.site_defined"
	ZoneDefined        = "registry.zone_defined"
	VehicleDefined     = "registry.vehicle_defined"
	CompartmentDefined = "registry.compartment_defined"
	GatewayDefined     = "registry.gateway_defined"
	SensorDefined      = "registry.sensor_defined"
	ToteDefined        = "registry.tote_defined"
	LoggerDefined      = "registry.logger_defined"
	CalibrationDefined = "registry.calibration_defined"
	ProfileDefined     = "registry.profile_defined"
	ProductDefined     = "registry.product_defined"
	PartyDefined       = "registry.party_defined"
	RecordRetired      = "registry.record_retired"

	OrderWasPlaced       = "orders.order_placed"
	OrderWasCancelled    = "orders.order_cancelled"
	ShipmentWasPlanned   = "orders.shipment_planned"
	ShipmentWasReported  = "orders.shipment_reported"
	PackageWasPacked     = "orders.package_packed"
	PackageWasClosed     = "orders.package_closed"
	UnitWasReceived      = "orders.unit_received"
	InventoryWasAdjusted = "orders.inventory_adjusted"

	WasAttached   = "custody.attached"
	WasHandedOver = "custody.handed_over"

	VerdictWasRevised = "correlate.verdict_revised"

	// A person had something tried again that the hub had given up.
	DeliveryWasRetried = "notify.delivery_retried"
	EventWasRetried    = "event.handling_retried"
)

// DeliveryRetried: a notification that was given up is tried again. Its stream
// is "delivery/ID".
type DeliveryRetried struct {
	ID        string `json:"id"`
	Excursion string `json:"excursion"` // that it tells of; of several, the first
	Attempts  int    `json:"attempts"`  // that had failed
}

// EventRetried: an event that a consumer could not handle is handled once more.
// Its stream is "consumer/NAME".
type EventRetried struct {
	Consumer string `json:"consumer"`
	Position int64  `json:"position"`
}

// kinds is the Go type of each type of event. Contexts add theirs by Register.
var kinds = map[string]reflect.Type{}

// Register makes a type of event known, so that Decode and the verifier can
// read it. It is called from init functions only.
func Register(typ string, example any) {
	if _, ok := kinds[typ]; ok {
		panic("fact: type registered twice: " + typ)
	}
	kinds[typ] = reflect.TypeOf(example)
}

func init() {
	for typ, example := range map[string]any{
		SiteDefined: SiteRecord{}, ZoneDefined: ZoneRecord{}, VehicleDefined: VehicleRecord{},
		CompartmentDefined: CompartmentRecord{}, GatewayDefined: GatewayRecord{}, SensorDefined: SensorRecord{},
		ToteDefined: ToteRecord{}, LoggerDefined: LoggerRecord{}, CalibrationDefined: CalibrationRecord{},
		ProfileDefined: ProfileRecord{}, ProductDefined: ProductRecord{}, PartyDefined: PartyRecord{}, RecordRetired: Retired{},
		OrderWasPlaced: OrderPlaced{}, OrderWasCancelled: OrderCancelled{}, ShipmentWasPlanned: ShipmentPlanned{},
		ShipmentWasReported: ShipmentReported{}, PackageWasPacked: PackagePacked{}, PackageWasClosed: PackageClosed{},
		UnitWasReceived: UnitReceived{}, InventoryWasAdjusted: InventoryAdjusted{},
		WasAttached: Attached{}, WasHandedOver: HandedOver{}, VerdictWasRevised: VerdictRevised{},
		DeliveryWasRetried: DeliveryRetried{}, EventWasRetried: EventRetried{},
	} {
		Register(typ, example)
	}
}

// Decode reads the data of an event of a known type into a pointer to its Go
// type.
func Decode(typ string, data []byte) (any, error) {
	t, ok := kinds[typ]
	if !ok {
		return nil, fmt.Errorf("event type %q: not known to this version", typ)
	}
	v := reflect.New(t)
	if err := json.Unmarshal(data, v.Interface()); err != nil {
		return nil, fmt.Errorf("event of type %s: %w", typ, err)
	}
	return v.Interface(), nil
}

// Types lists all known types of events, in order.
func Types() []string {
	var all []string
	for t := range kinds {
		all = append(all, t)
	}
	sort.Strings(all)
	return all
}
