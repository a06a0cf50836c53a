package health

// maxWord bounds the work of Nearest; longer words have no nearest one.
const maxWord = 128

// Nearest returns the one of words that somebody who typed word probably
// meant, or "" if none is near: at most one edit for three characters, where
// an edit inserts, deletes or replaces a character or swaps two neighbours.
// Of several equally near the first wins.
func Nearest(word string, words []string) string {
	typed := []rune(word)
	if len(typed) == 0 || len(typed) > maxWord {
		return ""
	}
	best, least := "", max(1, len(typed)/3)+1
	for _, w := range words {
		if len(w) > 4*maxWord {
			continue
		}
		if d := distance(typed, []rune(w)); d < least {
			best, least = w, d
		}
	}
	return best
}

// distance is the Damerau-Levenshtein distance in its "optimal string
// alignment" form: no part of a word is edited twice.
func distance(a, b []rune) int {
	before, above := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range above {
		above[j] = j
	}
	for i := range a {
		row := make([]int, len(b)+1)
		row[0] = i + 1
		for j := range b {
			replace := above[j]
			if a[i] != b[j] {
				replace++
			}
			row[j+1] = min(replace, above[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, above = above, row
	}
	return above[len(b)]
}
