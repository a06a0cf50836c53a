package inspect

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"io"
	"iter"
	"time"
)

// JSON writes one object a line for each frame. The error is the writer's or
// that of the frames.
func JSON(w io.Writer, frames iter.Seq2[Frame, error]) error {
	out := bufio.NewWriter(w)
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	for f, err := range frames {
		if err != nil {
			_ = out.Flush()
			return err
		}
		if err := enc.Encode(f); err != nil {
			return err
		}
	}
	return out.Flush()
}

// MarshalJSON gives the frame as documented for inspect --json: bytes in
// hexadecimal, times in RFC 3339.
func (f Frame) MarshalJSON() ([]byte, error) {
	type frame struct {
		Number       int     `json:"number"`
		Packet       int     `json:"packet,omitempty"`
		Time         string  `json:"time,omitempty"`
		Conversation int     `json:"conversation,omitempty"`
		Transport    string  `json:"transport,omitempty"`
		From         string  `json:"from,omitempty"`
		To           string  `json:"to,omitempty"`
		Offset       int64   `json:"offset,omitempty"`
		Protocol     string  `json:"protocol"`
		Name         string  `json:"name"`
		Bytes        string  `json:"bytes"`
		Missing      int64   `json:"missing,omitempty"`
		Note         string  `json:"note,omitempty"`
		Fields       []Field `json:"fields"`
	}
	out := frame{
		Number: f.Number, Packet: f.Packet, Conversation: f.Conversation, Transport: f.Transport, Offset: f.Offset, Protocol: f.Protocol,
		Name: f.Name, Bytes: hex.EncodeToString(f.Bytes), Missing: f.Missing, Note: f.Note, Fields: f.Fields,
	}
	if !f.Time.IsZero() {
		out.Time = f.Time.Format(time.RFC3339Nano)
	}
	if f.From.IsValid() {
		out.From, out.To = f.From.String(), f.To.String()
	}
	if out.Fields == nil {
		out.Fields = []Field{}
	}
	return json.Marshal(out)
}

// MarshalJSON gives the field, its bytes in hexadecimal.
func (f Field) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Name      string    `json:"name"`
		Offset    int       `json:"offset"`
		Bytes     string    `json:"bytes"`
		Value     string    `json:"value,omitempty"`
		Meaning   string    `json:"meaning"`
		Certainty Certainty `json:"certainty,omitempty"`
	}{f.Name, f.Offset, hex.EncodeToString(f.Bytes), f.Value, f.Meaning, f.Certainty})
}
