package fact

// Types of events about what partner carriers were told and have sent, in the
// stream "carrier/ID".
const (
	CarrierMessageWasRetried = "dispatch.carrier_message_retried"
	CarrierMessageWasDropped = "dispatch.carrier_message_dropped"
	CarrierCallWasRetried    = "dispatch.carrier_call_retried"
	CarrierCallWasDropped    = "dispatch.carrier_call_dropped"
)

// CarrierMessageSettled: a person had a message that was set aside tried again,
// or said that it does not count.
type CarrierMessageSettled struct {
	Carrier string `json:"carrier"`
	Number  int64  `json:"number"`
	Digest  string `json:"digest"` // SHA-256 of its text, which is in no event
}

// CarrierCallSettled: a person had a call that was parked made again, or said
// that it need not be made.
type CarrierCallSettled struct {
	Carrier string `json:"carrier"`
	Call    string `json:"call"`
	Kind    string `json:"kind"`
	Job     string `json:"job,omitempty"`
}

func init() {
	Register(CarrierMessageWasRetried, CarrierMessageSettled{})
	Register(CarrierMessageWasDropped, CarrierMessageSettled{})
	Register(CarrierCallWasRetried, CarrierCallSettled{})
	Register(CarrierCallWasDropped, CarrierCallSettled{})
}
