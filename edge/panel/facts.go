package panel

import "fmt"

// findings is judgeUplink as a method, for the page's marks.
func (u Uplink) findings(j Journal) []Finding { return judgeUplink(u, j) }

// factCards lists what lies behind the verdict. A card's mark is that of the
// worst finding about its part, or of its worst row.
func factCards(s Snapshot, v Verdict) []factCard {
	cards := []factCard{
		{Name: "Journal", Rows: journalRows(s.Journal)},
		{Name: "Uplink", Rows: uplinkRows(s.Uplink)},
		{Name: "Clock", Rows: clockRows(s.Clock)},
		{Name: "Gateway", Rows: gatewayRows(s)},
	}
	parts := []string{"journal", "uplink", "clock", "certificate"}
	if rows := guardRows(s.Guard); len(rows) > 0 {
		cards = append(cards, factCard{Name: "Watched", Rows: rows})
		parts = append(parts, "watched")
	}
	for i := range cards {
		cards[i].State = Fine
		for _, f := range v.Findings {
			if f.Part == parts[i] && f.State.Worse(cards[i].State) < 0 {
				cards[i].State = f.State
			}
		}
		for _, r := range cards[i].Rows {
			if (r.State == Bad || r.State == Watch || r.State == Silent && parts[i] == "watched") && r.State.Worse(cards[i].State) < 0 {
				cards[i].State = r.State
			}
		}
	}
	return cards
}

func journalRows(j Journal) []row {
	r := []row{
		{Name: "Epoch", Text: fmt.Sprint(j.Epoch)},
		{Name: "Kept", Text: count(j.Readings, "reading") + ", to block " + group(j.LastBlock)},
		{Name: "Not yet at the hub", Text: choose(j.PendingBlocks == 0, "none",
			count(j.PendingReadings, "reading")+" in "+count(j.PendingBlocks, "block"))},
	}
	if j.PendingBlocks > 0 {
		r = append(r, row{Name: "Oldest of them", Text: oldest(j)})
	}
	disk := FormatBytes(j.Bytes)
	if j.LimitBytes > 0 {
		disk += " of " + FormatBytes(j.LimitBytes)
	}
	r = append(r, row{Name: "On disk", Text: disk})
	if j.HoursLeft != nil {
		r = append(r, row{Name: "Room, if nothing is sent", Text: room(*j.HoursLeft)})
	}
	if j.MemoryBlocks > 0 {
		r = append(r, row{Name: "In memory alone", Text: count(j.MemoryReadings, "reading"), State: Bad})
	}
	if j.DamagedSegments > 0 {
		r = append(r, row{Name: "Set aside, damaged", Text: count(j.DamagedSegments, "segment"), State: Watch})
	}
	return append(r, row{Name: "Lost and declared", Text: choose(j.LostReadings == 0, "none", count(j.LostReadings, "reading")),
		State: choose(j.LostReadings == 0, State(""), Watch)})
}

func oldest(j Journal) string {
	switch {
	case j.OldestAgeMs != nil && j.OldestUTCMs != nil:
		return FormatAge(*j.OldestAgeMs) + " old, " + utc(*j.OldestUTCMs)
	case j.OldestAgeMs != nil:
		return FormatAge(*j.OldestAgeMs) + " old"
	case j.OldestUTCMs != nil:
		return utc(*j.OldestUTCMs)
	}
	return "from an earlier boot, undated"
}

func uplinkRows(u Uplink) []row {
	r := []row{
		{Name: "Hub", Text: choose(u.Hub == "", "not known", u.Hub)},
		{Name: "State", Text: string(u.State) + choose(u.State == LinkOff, "", " for "+FormatAge(u.ForMs)), State: choose(u.State == LinkConnected, State(""), Watch)},
	}
	if u.State != LinkConnected && u.Why != "" {
		r = append(r, row{Name: "Because", Text: plain(u.Why)})
	}
	if u.RetryInMs != nil && u.State == LinkDisconnected {
		r = append(r, row{Name: "Next attempt", Text: "in " + FormatAge(*u.RetryInMs)})
	}
	ack := row{Name: "Last acknowledgement", Text: "none in this boot", State: Silent}
	if u.AckAgeMs != nil {
		ack = row{Name: ack.Name, Text: FormatAge(*u.AckAgeMs) + " ago"}
	}
	r = append(r, ack, row{Name: "In flight", Text: count(u.InFlightParcels, "parcel")})
	if u.RoundTripMs != nil {
		r = append(r, row{Name: "Round trip", Text: milliseconds(*u.RoundTripMs)})
	}
	return append(r,
		row{Name: "Sent again", Text: count(u.ResentParcels, "parcel")},
		row{Name: "Refused by the hub", Text: choose(u.RefusedBlocks == 0, "none", count(u.RefusedBlocks, "block")),
			State: choose(u.RefusedBlocks == 0, State(""), Bad)})
}

func clockRows(c Clock) []row {
	up := row{Name: "Boot clock", Text: fmt.Sprintf("%d ms", c.BoottimeMs)}
	if c.UTCMs == nil {
		return []row{{Name: "UTC", Text: "undated", State: Undated}, up}
	}
	r := []row{
		{Name: "UTC", Text: utc(*c.UTCMs)},
		{Name: "Sure to", Text: "± " + milliseconds(float64(c.UncertaintyMs)), State: choose(c.UncertaintyMs > uncertainMs, Watch, State(""))},
		{Name: "From", Text: c.Source},
	}
	if c.Conflict {
		r = append(r, row{Name: "Sources", Text: "contradict one another", State: Watch})
	}
	return append(r, up)
}

// configRows tells of the hub's desired state where it has given one.
func configRows(c Config) (r []row) {
	switch {
	case c.Running == 0 && c.Refused == 0:
		return nil
	case c.Running == 0:
		r = append(r, row{Name: "Configuration", Text: "its own file"})
	default:
		r = append(r, row{Name: "Configuration", Text: fmt.Sprintf("version %d of the hub%s", c.Running, choose(c.Trial, ", on trial", ""))})
	}
	if c.Refused != 0 {
		r = append(r, row{Name: fmt.Sprintf("Refused version %d", c.Refused), Text: plain(c.Reason), State: Watch})
	}
	return r
}

func gatewayRows(s Snapshot) []row {
	r := []row{
		{Name: "Version", Text: s.Version},
		{Name: "Boot", Text: fmt.Sprint(s.Boot)},
		{Name: "Up for", Text: FormatAge(s.UptimeMs)},
	}
	r = append(r, configRows(s.Config)...)
	c := s.Certificate
	switch {
	case !c.Enrolled:
		return append(r, row{Name: "Certificate", Text: "not enrolled", State: Watch})
	case c.ExpiresInMs == nil:
		return append(r, row{Name: "Certificate until", Text: utc(c.NotAfterMs)})
	case *c.ExpiresInMs <= 0:
		return append(r, row{Name: "Certificate", Text: "expired " + FormatAge(-*c.ExpiresInMs) + " ago", State: Bad})
	}
	return append(r, row{Name: "Certificate until", Text: utc(c.NotAfterMs)[:10] + ", " + FormatAge(*c.ExpiresInMs) + " left"})
}
