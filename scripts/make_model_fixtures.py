"""Makes tiny models with random weights and what `transformers` computes with them: test data of `crates/embed`.

    pip install torch transformers sentence-transformers pillow
    python scripts/make_model_fixtures.py crates/embed/tests/data/models

Reads `texts.json`, `images/` and the tokenizers of `bert-tiny` and `opt-tiny` there, which are not made here. Random weights
are wider than usual (and f16), so that a wrong mask, position or norm moves an embedding by more than the tests allow.
"""

import json
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
import transformers as tf
from PIL import Image

ROOT = Path(sys.argv[1])
TEXTS = json.loads((ROOT / "texts.json").read_text())
IMAGES = [Image.open(ROOT / "images" / name).convert("RGB") for name in json.loads((ROOT / "images/names.json").read_text())]
SMALL = dict(hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4)


def unit(rows):
    rows = np.asarray(rows, dtype=np.float64)
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype("<f4")


def tokenizer_of(source, change=lambda config: None):
    """The tokenizer.json of another folder, with another post-processor or added tokens."""
    config = json.loads((ROOT / source / "tokenizer.json").read_text())
    change(config)
    return config


def template(before, after, ids):
    token = lambda name: {"SpecialToken": {"id": name, "type_id": 0}}
    text = {"Sequence": {"id": "A", "type_id": 0}}
    return {
        "type": "TemplateProcessing",
        "single": [*map(token, before), text, *map(token, after)],
        "pair": [*map(token, before), text, {"Sequence": {"id": "B", "type_id": 0}}, *map(token, after)],
        "special_tokens": {name: {"id": name, "ids": [ids[name]], "tokens": [name]} for name in {*before, *after}},
    }


def like_roberta(config):
    """<s> text </s> over OPT's byte-level vocabulary."""
    config["post_processor"] = template(["<s>"], ["</s>"], {"<s>": 0, "</s>": 2})


def without_additions(config):
    config["post_processor"] = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}


def with_end(config):
    """text </s>, as Qwen3-Embedding ends its texts."""
    config["post_processor"] = template([], ["</s>"], {"</s>": 2})


def randomize(model, seed):
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, value in model.named_parameters():
            noise = torch.randn(value.shape, generator=generator)
            if value.ndim == 1 and "bias" not in name:
                value.copy_(value + 0.2 * noise)
            elif "relative_attention_bias" in name:
                value.copy_(noise)
            elif value.ndim >= 2 and "embed" in name.lower():
                value.copy_(0.3 * noise)
            else:
                value.copy_((1.5 / np.sqrt(value[0].numel()) if value.ndim >= 2 else 0.1) * noise)
            value.copy_(value.half().float())  # so that half the bytes hold all of it
    return model.eval()


def encode(tokenizer, text, limit):
    tokens = tokenizer.encode(text)
    special = tokenizer.num_special_tokens_to_add(False)
    if len(tokens.ids) <= limit:
        return tokens.ids
    tokenizer.enable_truncation(limit)
    ids = tokenizer.encode(text).ids
    tokenizer.no_truncation()
    assert len(ids) == limit and special < limit
    return ids


def save(name, model, tokenizer_json=None):
    folder = ROOT / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    model.half().save_pretrained(folder)
    model.float()
    (folder / "generation_config.json").unlink(missing_ok=True)
    if tokenizer_json is not None:
        (folder / "tokenizer.json").write_text(json.dumps(tokenizer_json, ensure_ascii=False, indent=1))
    return folder


def hidden_rows(model, folder, limit, pool):
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    rows = []
    with torch.no_grad():
        for text in TEXTS:
            ids = encode(tokenizer, text, limit) or [0]
            hidden = model(input_ids=torch.tensor([ids])).last_hidden_state[0]
            rows.append(pool(hidden).numpy())
    return unit(rows)


MEAN, LAST = (lambda hidden: hidden.mean(0)), (lambda hidden: hidden[-1])


def text_model(name, model, tokenizer_json, limit, pool, seed):
    folder = save(name, randomize(model, seed), tokenizer_json)
    np.save(folder / "embeddings.npy", hidden_rows(model, folder, limit, pool))


def encoders():
    vocab = 600
    roberta = tokenizer_of("opt-tiny", like_roberta)
    config = tf.XLMRobertaConfig(**SMALL, vocab_size=vocab, max_position_embeddings=98, type_vocab_size=1, pad_token_id=1)
    text_model("xlm-roberta-tiny", tf.XLMRobertaModel(config, add_pooling_layer=False), roberta, 96, MEAN, 1)
    config = tf.MPNetConfig(**SMALL, vocab_size=vocab, max_position_embeddings=162, pad_token_id=1)
    text_model("mpnet-tiny", tf.MPNetModel(config, add_pooling_layer=False), roberta, 160, MEAN, 2)
    config = tf.DistilBertConfig(vocab_size=800, max_position_embeddings=96, dim=32, n_layers=2, n_heads=4, hidden_dim=48)
    text_model("distilbert-tiny", tf.DistilBertModel(config), tokenizer_of("bert-tiny"), 96, MEAN, 3)
    config = tf.ModernBertConfig(
        **(SMALL | {"num_hidden_layers": 4}), vocab_size=vocab, max_position_embeddings=160, local_attention=12, global_attn_every_n_layers=3,
        pad_token_id=1, bos_token_id=0, eos_token_id=2, cls_token_id=0, sep_token_id=2,
    )
    text_model("modernbert-tiny", tf.ModernBertModel(config), roberta, 160, MEAN, 4)


def decoders():
    common = dict(**SMALL, vocab_size=600, max_position_embeddings=160, num_key_value_heads=2, bos_token_id=0, eos_token_id=2, pad_token_id=1)
    opt = tokenizer_of("opt-tiny")
    scaled = dict(rope_type="llama3", rope_theta=10000.0, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=64)
    text_model("llama-tiny", tf.LlamaModel(tf.LlamaConfig(**common, rope_parameters=scaled)), opt, 160, LAST, 5)
    text_model("mistral-tiny", tf.MistralModel(tf.MistralConfig(**common, sliding_window=20)), opt, 160, LAST, 6)
    text_model("qwen2-tiny", tf.Qwen2Model(tf.Qwen2Config(**common)), opt, 160, LAST, 7)
    text_model("qwen3-tiny", tf.Qwen3Model(tf.Qwen3Config(**common, head_dim=12)), tokenizer_of("opt-tiny", with_end), 160, LAST, 8)
    text_model("gemma-tiny", tf.GemmaModel(tf.GemmaConfig(**common, head_dim=12)), opt, 160, LAST, 9)
    gemma = dict(**common, head_dim=12, sliding_window=20, query_pre_attn_scalar=24)
    text_model("gemma2-tiny", tf.Gemma2Model(tf.Gemma2Config(**gemma, attn_logit_softcapping=2.0)), opt, 160, LAST, 10)
    gemma["num_hidden_layers"] = 4
    config = tf.Gemma3TextConfig(**gemma, layer_types=["sliding_attention", "full_attention"] * 2)
    text_model("gemma3-tiny", tf.Gemma3TextModel(config), opt, 160, LAST, 11)
    config = tf.Gemma3TextConfig(**gemma, layer_types=["sliding_attention", "full_attention"] * 2, use_bidirectional_attention=True)
    text_model("embeddinggemma-tiny", tf.Gemma3TextModel(config), opt, 160, MEAN, 12)
    folder = ROOT / "embeddinggemma-tiny"
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling/config.json").write_text(json.dumps({"pooling_mode_mean_tokens": True}))
    config = tf.OPTConfig(
        vocab_size=600, hidden_size=32, num_hidden_layers=2, ffn_dim=48, max_position_embeddings=128, num_attention_heads=4,
        word_embed_proj_dim=16, do_layer_norm_before=False,
    )
    text_model("opt-350m-tiny", tf.OPTModel(config), opt, 128, LAST, 13)


def siglip():
    vision = dict(**SMALL, image_size=32, patch_size=8)
    text = dict(**SMALL, vocab_size=600, max_position_embeddings=40, projection_size=32, pad_token_id=1, bos_token_id=0, eos_token_id=2)
    model = tf.SiglipModel(tf.SiglipConfig(text_config=text, vision_config=vision))
    tokenizer_json = tokenizer_of("opt-tiny", with_end)
    folder = save("siglip-tiny", randomize(model, 14), tokenizer_json)
    (folder / "tokenizer_config.json").write_text(json.dumps({"pad_token": "<pad>", "model_max_length": 40}))
    processor = tf.SiglipImageProcessor(size={"height": 32, "width": 32}, resample=3)
    processor.save_pretrained(folder)
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    rows = []
    with torch.no_grad():
        for text in TEXTS:
            ids = encode(tokenizer, text, 40)
            ids = ids + [1] * (40 - len(ids))
            rows.append(model.text_model(input_ids=torch.tensor([ids])).pooler_output[0].numpy())
        images = [model.vision_model(**processor(image, return_tensors="pt")).pooler_output[0].numpy() for image in IMAGES]
    np.save(folder / "text_embeddings.npy", unit(rows))
    np.save(folder / "image_embeddings.npy", unit(images))


def vision():
    common = dict(hidden_size=32, num_hidden_layers=2, num_attention_heads=4)
    # Images of another size than the positions were trained for, so that these are interpolated; and a gated network.
    config = tf.Dinov2Config(**common, image_size=70, patch_size=14, use_swiglu_ffn=True)
    image_model("dinov2-swiglu-tiny", tf.Dinov2Model(config), tf.BitImageProcessor(size={"shortest_edge": 48}, crop_size={"height": 42, "width": 42}), 15)
    config = tf.Dinov2WithRegistersConfig(**common, image_size=168, patch_size=14, num_register_tokens=3)
    # Far fewer patches than positions, so that the filter against aliasing shows.
    image_model("dinov2-registers-tiny", tf.Dinov2WithRegistersModel(config), tf.BitImageProcessor(size={"shortest_edge": 48}, crop_size={"height": 42, "width": 42}), 16)
    config = tf.ViTConfig(**common, intermediate_size=48, image_size=32, patch_size=8)
    image_model("vit-tiny", tf.ViTModel(config, add_pooling_layer=False), tf.ViTImageProcessor(size={"height": 32, "width": 32}), 17)


def image_model(name, model, processor, seed):
    folder = save(name, randomize(model, seed))
    processor.save_pretrained(folder)
    with torch.no_grad():
        rows = [model(**processor(image, return_tensors="pt")).last_hidden_state[0, 0].numpy() for image in IMAGES]
    np.save(folder / "image_embeddings.npy", unit(rows))


# Settings that are easily overlooked: a folder, one of its files, and what is written and taken out there.
VARIANTS = [
    ("qwen2-both-ways", "qwen2-tiny", "config.json", {"is_causal": False}, []),
    ("mistral-both-ways", "mistral-tiny", "config.json", {"is_causal": False}, []),
    ("gemma-both-ways", "gemma-tiny", "config.json", {"is_causal": False}, []),
    ("gemma2-both-ways", "gemma2-tiny", "config.json", {"is_causal": False}, []),
    ("gemma3-both-ways", "gemma3-tiny", "config.json", {"is_causal": False}, []),
    ("embeddinggemma-both-ways-twice", "embeddinggemma-tiny", "config.json", {"is_causal": False}, []),
    ("opt-both-ways", "opt-tiny", "config.json", {"is_causal": False}, []),
    ("llama-not-both-ways", "llama-tiny", "config.json", {"use_bidirectional_attention": True, "attn_logit_softcapping": 0.5}, []),
    ("llama-not-sliding", "llama-tiny", "config.json", {"layer_types": ["sliding_attention"] * 2, "sliding_window": 5}, []),
    ("gemma2-not-both-ways", "gemma2-tiny", "config.json", {"use_bidirectional_attention": True}, []),
    ("gemma2-usual-cap", "gemma2-tiny", "config.json", {}, ["attn_logit_softcapping"]),
    ("gemma2-no-cap", "gemma2-tiny", "config.json", {"attn_logit_softcapping": None}, []),
    ("gemma-relu", "gemma-tiny", "config.json", {"hidden_act": "relu", "hidden_activation": "gelu_pytorch_tanh"}, []),
    ("gemma-legacy-gelu", "gemma-tiny", "config.json", {"hidden_act": "gelu"}, []),
    ("bert-cased", "bert-tiny", "tokenizer_config.json", {"tokenizer_class": "BertTokenizer", "do_lower_case": False}, []),
    ("bert-accents", "bert-tiny", "tokenizer_config.json", {"strip_accents": False}, []),
    ("bert-chinese", "bert-tiny", "tokenizer_config.json", {"tokenizer_class": "BertTokenizerFast", "tokenize_chinese_chars": False}, []),
    ("bert-its-own", "bert-tiny", "tokenizer_config.json", {"tokenizer_class": "PreTrainedTokenizerFast", "do_lower_case": False}, []),
    ("vit-usual-filter", "vit-tiny", "preprocessor_config.json", {}, ["resample"]),
]
VARIED = [*TEXTS[:6], "ÉTÉ Été été 中文字 NumPy Library"]


def variants():
    folder = ROOT / "variants"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    listed = []
    for name, source, file, change, remove in VARIANTS:
        with tempfile.TemporaryDirectory() as copy:
            shutil.copytree(ROOT / source, copy, dirs_exist_ok=True)
            path = Path(copy) / file
            config = {**(json.loads(path.read_text()) if path.exists() else {}), **change}
            path.write_text(json.dumps({key: value for key, value in config.items() if key not in remove}))
            np.save(folder / f"{name}.npy", variant_rows(copy, source))
        listed.append({"name": name, "folder": source, "file": file, "change": change, "remove": remove})
    (folder / "variants.json").write_text(json.dumps({"texts": VARIED, "variants": listed}, ensure_ascii=False, indent=1) + "\n")


def variant_rows(folder, source):
    model = tf.AutoModel.from_pretrained(folder, dtype=torch.float32).eval()
    with torch.no_grad():
        if source.startswith("vit"):
            processor = tf.ViTImageProcessor.from_pretrained(folder)
            return unit([model(**processor(image, return_tensors="pt")).last_hidden_state[0, 0].numpy() for image in IMAGES])
        if source.startswith("bert"):
            tokenizer = tf.AutoTokenizer.from_pretrained(folder)
            encode = lambda text: tokenizer(text, truncation=True, max_length=96)["input_ids"]
        else:
            tokenizer = tf.PreTrainedTokenizerFast(tokenizer_file=f"{folder}/tokenizer.json")
            encode = lambda text: tokenizer(text, truncation=True, max_length=128)["input_ids"]
        pool = MEAN if source.startswith(("bert", "embeddinggemma")) else LAST
        return unit([pool(model(input_ids=torch.tensor([encode(text)])).last_hidden_state[0]).numpy() for text in VARIED])


if __name__ == "__main__":
    torch.manual_seed(0)
    encoders()
    decoders()
    siglip()
    vision()
    variants()
