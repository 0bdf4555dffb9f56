package bus

import "frostline/edge/ble"

// Radio gives the handle of a Bluetooth adapter, by its name in BlueZ, such as
// hci0. It listens while somebody hears it.
func (s *Set) Radio(name string) (*ble.Radio, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r, ok := s.radios[name]; ok {
		return r, nil
	}
	r, err := ble.NewRadio(name, s.log)
	if err != nil {
		return nil, err
	}
	s.radios[name] = r
	return r, nil
}
