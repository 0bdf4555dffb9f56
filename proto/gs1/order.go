package gs1

import "strings"

// ordinate is the rule of a latitude or longitude: ten digits, up to a number.
func ordinate(most uint64, length, invalid Fault) rule {
	return func(v string) (Fault, int, int) {
		if len(v) != 10 {
			return length, 0, len(v)
		}
		if f, at, n := digits(v); f != "" {
			return f, at, n
		}
		value := uint64(0)
		for i := range len(v) {
			value = value*10 + uint64(v[i]-'0')
		}
		if value > most {
			return invalid, 0, 10
		}
		return "", 0, 0
	}
}

// pieceOfTotal is the rule of a piece and how many there are, each as half of
// the digits.
func pieceOfTotal(v string) (Fault, int, int) {
	if f, at, n := digits(v); f != "" {
		return f, at, n
	}
	if v == "" || len(v)%2 != 0 {
		return BadPieceLength, 0, len(v)
	}
	half := len(v) / 2
	piece, total := v[:half], v[half:]
	switch {
	case strings.Trim(piece, "0") == "":
		return ZeroPiece, 0, half
	case strings.Trim(total, "0") == "":
		return ZeroTotal, half, half
	case piece > total:
		return PieceExceedsTotal, 0, len(v)
	}
	return "", 0, 0
}

// positionSlash is the rule of a position in a sequence, such as 2/3.
func positionSlash(v string) (Fault, int, int) {
	position, end, found := strings.Cut(v, "/")
	switch {
	case !found, position == "", end == "", !allDigits(position), !allDigits(end):
		return BadSequence, 0, len(v)
	case position[0] == '0':
		return IllegalZeroPrefix, 0, len(position)
	case end[0] == '0':
		return IllegalZeroPrefix, len(position) + 1, len(end)
	case len(position) > len(end), len(position) == len(end) && position > end:
		return PositionExceedsEnd, 0, len(v)
	}
	return "", 0, 0
}
