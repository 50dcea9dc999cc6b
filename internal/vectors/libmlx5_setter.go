package vectors

import (
	"encoding/json"
	"fmt"

	"github.com/sgfuzz/sgfuzz/mlx5model/libmlx5"
)

// libSetter is a setter call of a mkey_configure, by its "set" field.
type libSetter struct{ post libPost }

// UnmarshalJSON decodes the fields that the setter has, no more and no fewer.
func (s *libSetter) UnmarshalJSON(raw []byte) error {
	var head struct {
		Set string `json:"set"`
	}
	if err := json.Unmarshal(raw, &head); err != nil {
		return err
	}
	decode, ok := libSetters[head.Set]
	if !ok {
		return fmt.Errorf("unknown setter %q", head.Set)
	}
	post, err := decode(raw)
	if err != nil {
		return fmt.Errorf("setter %s: %w", head.Set, err)
	}
	s.post = post
	return nil
}

var libSetters = map[string]func(raw []byte) (libPost, error){
	"access_flags":       decodeAs(setAccess),
	"layout_list":        decodeAs(setLayoutList),
	"layout_interleaved": decodeAs(setLayoutInterleaved),
	"sig_block":          decodeAs(setSigBlock),
	"crypto":             decodeAs(setCrypto),
}

type accessSetter struct {
	Set    string         `json:"set"`
	Access libmlx5.Access `json:"access"`
}

func setAccess(s *accessSetter, _ *libRun, q *libmlx5.QP) { q.SetAccess(s.Access) }

type listSetter struct {
	Set string    `json:"set"`
	SGE []userSGE `json:"sge"`
}

func setLayoutList(s *listSetter, _ *libRun, q *libmlx5.QP) { q.SetLayoutList(userList(s.SGE)) }

type interleavedSetter struct {
	Set     string        `json:"set"`
	Repeat  uint32        `json:"repeat_count"`
	Entries []interleaved `json:"entries"`
}

func setLayoutInterleaved(s *interleavedSetter, _ *libRun, q *libmlx5.QP) {
	q.SetLayoutInterleaved(s.Repeat, interleavedList(s.Entries))
}

type sigBlockSetter struct {
	Set       string     `json:"set"`
	Flags     uint32     `json:"flags"`
	CheckMask uint32     `json:"check_mask"`
	CopyMask  uint32     `json:"copy_mask"`
	Mem       *sigDomain `json:"mem"`
	Wire      *sigDomain `json:"wire"`
}

// sigDomain is one side of a signature; its fields depend on the type.
type sigDomain struct {
	Type      string  `json:"type"`
	BlockSize uint32  `json:"block_size,omitempty"`
	BgType    *uint32 `json:"bg_type,omitempty"`
	Bg        *uint32 `json:"bg,omitempty"`
	AppTag    *uint32 `json:"app_tag,omitempty"`
	RefTag    *uint32 `json:"ref_tag,omitempty"`
	Flags     *uint32 `json:"flags,omitempty"`
	CRCType   *uint32 `json:"crc_type,omitempty"`
	Seed      *uint64 `json:"seed,omitempty"`
}

func setSigBlock(_ *sigBlockSetter, _ *libRun, q *libmlx5.QP) { q.SetSigBlock() }

type cryptoSetter struct {
	Set          string `json:"set"`
	EncryptOnTx  uint32 `json:"encrypt_on_tx"`
	Order        uint32 `json:"signature_crypto_order"`
	DataUnitSize uint32 `json:"data_unit_size"`
	DEK          uint32 `json:"dek_object_id"`
	InitialTweak string `json:"initial_tweak"`
	Keytag       string `json:"keytag"`
}

func setCrypto(_ *cryptoSetter, _ *libRun, q *libmlx5.QP) { q.SetCrypto() }
