package inspect

import (
	"bufio"
	"fmt"
	"io"
	"iter"
	"strconv"
	"strings"
	"time"
)

// PrintOptions of Print.
type PrintOptions struct {
	// Full shows every byte of every field. Otherwise a field that is explained
	// shows its first lines and how many bytes follow; what is unknown is always
	// shown whole.
	Full bool
}

const (
	hexColumns = 16 // bytes a line
	shortLines = 3  // of an explained field
)

// Print writes frames for people: a line that says who sent what to whom, then
// each field, its bytes on the left and what they are on the right. The error
// is the writer's or that of the frames.
func Print(w io.Writer, frames iter.Seq2[Frame, error], o PrintOptions) error {
	out := bufio.NewWriter(w)
	for f, err := range frames {
		if err != nil {
			_ = out.Flush()
			return err
		}
		f.print(out, o)
		if _, err := out.Write(nil); err != nil { // of an earlier write
			return err
		}
	}
	return out.Flush()
}

func (f Frame) print(w *bufio.Writer, o PrintOptions) {
	fmt.Fprintf(w, "%d", f.Number)
	if f.Packet > 0 {
		fmt.Fprintf(w, "  packet %d", f.Packet)
	}
	if !f.Time.IsZero() {
		fmt.Fprintf(w, "  %s", f.Time.Format(time.RFC3339Nano))
	}
	if f.Conversation > 0 {
		fmt.Fprintf(w, "  %s %d  %v > %v", f.Transport, f.Conversation, f.From, f.To)
	}
	fmt.Fprintf(w, "  %s", f.Protocol)
	if f.Name != f.Protocol {
		fmt.Fprintf(w, "  %s", f.Name)
	}
	fmt.Fprintf(w, "  %d bytes", len(f.Bytes))
	if f.Missing > 0 {
		fmt.Fprintf(w, ", %d missing", f.Missing)
	}
	_ = w.WriteByte('\n')
	if f.Note != "" {
		fmt.Fprintf(w, "      ! %s\n", f.Note)
	}
	for _, field := range f.Fields {
		field.print(w, o)
	}
	_ = w.WriteByte('\n')
}

// print writes the bytes of a field in lines, the first of them with its name.
func (f Field) print(w *bufio.Writer, o PrintOptions) {
	b := f.Bytes
	lines := (len(b) + hexColumns - 1) / hexColumns
	shown := max(lines, 1)
	if !o.Full && f.Name != Unknown && lines > shortLines+1 {
		shown = shortLines
	}
	about := f.about()
	for i := range shown {
		line := b[min(i*hexColumns, len(b)):min((i+1)*hexColumns, len(b))]
		right := ""
		switch {
		case i < len(about):
			right = about[i]
		case f.Name == Unknown:
			right = letters(line)
		}
		text := fmt.Sprintf("  %06x  %-*s  %s", f.Offset+i*hexColumns, 3*hexColumns-1, spaced(line), right)
		_, _ = w.WriteString(strings.TrimRight(text, " ") + "\n")
	}
	for i := shown; i < len(about); i++ {
		fmt.Fprintf(w, "  %6s  %-*s  %s\n", "", 3*hexColumns-1, "", about[i])
	}
	if shown < lines {
		fmt.Fprintf(w, "  %6s  and %d bytes more\n", "", len(b)-shown*hexColumns)
	}
}

// about is what stands right of the bytes, a line each.
func (f Field) about() []string {
	if f.Name == Unknown {
		return []string{fmt.Sprintf("%-13s %d bytes", Unknown, len(f.Bytes))}
	}
	first := fmt.Sprintf("%-13s %s", f.Name, f.Value)
	return []string{strings.TrimRight(first, " "), fmt.Sprintf("  %s (%s)", f.Meaning, f.Certainty)}
}

func spaced(b []byte) string {
	var s strings.Builder
	for i, v := range b {
		if i > 0 {
			s.WriteByte(' ')
		}
		if v < 16 {
			s.WriteByte('0')
		}
		s.WriteString(strconv.FormatUint(uint64(v), 16))
	}
	return s.String()
}

// letters shows the bytes that are ASCII.
func letters(b []byte) string {
	out := make([]byte, len(b))
	for i, v := range b {
		out[i] = '.'
		if v >= 0x20 && v < 0x7f {
			out[i] = v
		}
	}
	return string(out)
}
