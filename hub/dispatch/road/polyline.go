package road

import "fmt"

const maxShape = 1 << 20 // points of a way

// polyline6 decodes Google's polyline with six decimals, as OSRM and Valhalla
// write it.
func polyline6(s string) ([]Point, error) {
	var shape []Point
	var at [2]int64
	for i := 0; i < len(s); {
		for k := range at {
			var v int64
			for shift := 0; ; shift += 5 {
				if i >= len(s) || s[i] < 63 || s[i] > 126 || shift > 35 {
					return nil, fmt.Errorf("polyline: byte %d of %d does not belong there", i, len(s))
				}
				c := int64(s[i] - 63)
				i++
				v |= c & 31 << shift
				if c < 32 {
					break
				}
			}
			at[k] += v>>1 ^ -(v & 1)
		}
		p := Point{at[0] * 10, at[1] * 10}
		if err := p.valid(); err != nil {
			return nil, err
		}
		if shape = append(shape, p); len(shape) > maxShape {
			return nil, fmt.Errorf("polyline: more than %d points", maxShape)
		}
	}
	return shape, nil
}
