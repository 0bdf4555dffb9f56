package journal

// Fate says whether the hub has acknowledged a block, or it is declared lost;
// neither while it waits. A block of an epoch that is over and no longer here has
// been acknowledged. Both are false while the disk has not said where the chain
// ends.
func (j *Journal) Fate(epoch uint32, block uint64) (acknowledged, lost bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if !j.loaded || epoch > j.present().id {
		return false, false
	}
	e := j.epoch(epoch)
	if e == nil {
		return true, false
	}
	if _, acknowledged = e.acked.at(block); acknowledged {
		return true, false
	}
	_, lost = e.lost.at(block)
	return false, lost
}
