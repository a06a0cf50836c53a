package blubbel_test

import (
	"testing"

	"trunkline/internal/vectors"
	"trunkline/internal/vectors/blubbel"
)

func TestRecordedVectorsHold(t *testing.T) {
	vectors.Test(t, "../../../blubbel/wire/testdata/blubbel", blubbel.Files())
}
