package gnss

import "math"

// The ellipsoid of WGS 84: semi-axes in metres, flattening.
const (
	equator    = 6378137.0
	flattening = 1 / 298.257223563
	pole       = equator * (1 - flattening)
)

// distance is the shortest way along the ellipsoid, in metres, by Vincenty's
// inverse formula (Survey Review 23, 1975); NaN where it does not converge,
// between antipodes.
func distance(lat1, lon1, lat2, lon2 float64) float64 {
	const rad = math.Pi / 180
	if lat1 == lat2 && lon1 == lon2 {
		return 0
	}
	l := rad * (lon2 - lon1)
	u1, u2 := math.Atan((1-flattening)*math.Tan(lat1*rad)), math.Atan((1-flattening)*math.Tan(lat2*rad))
	su1, cu1 := math.Sincos(u1)
	su2, cu2 := math.Sincos(u2)
	lambda := l
	for range 100 {
		sl, cl := math.Sincos(lambda)
		ss := math.Hypot(cu2*sl, cu1*su2-su1*cu2*cl)
		if ss == 0 {
			return 0
		}
		cs := su1*su2 + cu1*cu2*cl
		s := math.Atan2(ss, cs)
		sa := cu1 * cu2 * sl / ss
		c2a := 1 - sa*sa
		c2m := 0.0 // along the equator
		if c2a != 0 {
			c2m = cs - 2*su1*su2/c2a
		}
		c := flattening / 16 * c2a * (4 + flattening*(4-3*c2a))
		before := lambda
		lambda = l + (1-c)*flattening*sa*(s+c*ss*(c2m+c*cs*(2*c2m*c2m-1)))
		if math.Abs(lambda-before) > 1e-12 {
			continue
		}
		uu := c2a * (equator*equator - pole*pole) / (pole * pole)
		a := 1 + uu/16384*(4096+uu*(uu*(320-175*uu)-768))
		b := uu / 1024 * (256 + uu*(uu*(74-47*uu)-128))
		delta := b * ss * (c2m + b/4*(cs*(2*c2m*c2m-1)-b/6*c2m*(4*ss*ss-3)*(4*c2m*c2m-3)))
		return pole * a * (s - delta)
	}
	return nan
}

// fromECEF makes latitude, longitude and height of a place given from the
// earth's centre, by Bowring's formula, which is exact to a millimetre near the
// ground, and turns the velocity the same way.
func (f *Fix) fromECEF() {
	const deg = 180 / math.Pi
	e2 := (equator*equator - pole*pole) / (equator * equator)
	second := (equator*equator - pole*pole) / (pole * pole)
	x, y, z := f.ecef[0], f.ecef[1], f.ecef[2]
	p := math.Hypot(x, y)
	theta := math.Atan2(z*equator, p*pole)
	st, ct := math.Sincos(theta)
	phi := math.Atan2(z+second*pole*st*st*st, p-e2*equator*ct*ct*ct)
	lambda := math.Atan2(y, x)
	sp, cp := math.Sincos(phi)
	sl, cl := math.Sincos(lambda)
	n := equator / math.Sqrt(1-e2*sp*sp)
	f.Lat, f.Lon = phi*deg, lambda*deg
	f.AltHAE = p/cp - n
	vx, vy, vz := f.velocity[0], f.velocity[1], f.velocity[2]
	if !known(vx, vy, vz) {
		return
	}
	f.ned = [3]float64{-vx*sp*cl - vy*sp*sl + vz*cp, -vx*sl + vy*cl, -(vx*cp*cl + vy*cp*sl + vz*sp)}
}
