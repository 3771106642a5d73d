"""Which object a row's `file_url` names."""

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import DocumentError
from service.store.object_store import object_key

#: Keys as S3 has them, of anything that can be seen; a colon in the first part would be a URL's.
parts = st.text(
    st.characters(exclude_categories=["C", "Z"], exclude_characters="/:"), min_size=1, max_size=20
)
keys = st.lists(parts.filter(lambda part: part not in {".", "..", "cards"}), min_size=1, max_size=5).map(
    "/".join
)


@pytest.mark.parametrize(
    ("file_url", "key"),
    [
        ("user/KTP_1.jpg", "user/KTP_1.jpg"),
        ("/user/KTP_1.jpg", "user/KTP_1.jpg"),
        ("cards/user/KTP_1.jpg", "user/KTP_1.jpg"),
        ("cardsuser/KTP_1.jpg", "cardsuser/KTP_1.jpg"),
        ("user/KTP 100%.jpg", "user/KTP 100%.jpg"),
        ("user/KTP%20a.jpg?b#c", "user/KTP%20a.jpg?b#c"),
        ("user/12:30.jpg", "user/12:30.jpg"),
        ("user/..a...jpg", "user/..a...jpg"),
        ("https://files.example/user/KTP_1.jpg", "user/KTP_1.jpg"),
        ("https://files.example/cards/user/KTP_1.jpg", "user/KTP_1.jpg"),
        ("https://files.example/cards/cards/KTP_1.jpg", "cards/KTP_1.jpg"),
        ("https://cards/user/KTP_1.jpg", "user/KTP_1.jpg"),
        ("https://files.example:9000/user/KTP_1.jpg", "user/KTP_1.jpg"),
        ("https://who:secret@files.example/user/KTP_1.jpg", "user/KTP_1.jpg"),
        ("http://169.254.169.254/latest/meta-data", "latest/meta-data"),
        ("http://files.example/user/KTP%20a.jpg?sig=1#page", "user/KTP a.jpg"),
        ("http://files.example/user/a+b%2Bc.jpg", "user/a+b+c.jpg"),
        ("http://files.example/user%2FKTP.jpg", "user/KTP.jpg"),
        ("http://files.example/user/100%2525.jpg", "user/100%25.jpg"),
        ("http://files.example/user/%C3%A9;v=1.jpg", "user/é;v=1.jpg"),
        ("HTTPS://files.example/user/cards/a.jpg", "user/cards/a.jpg"),
    ],
)
def test_a_key_or_the_path_of_a_url_names_the_object(file_url: str, key: str) -> None:
    assert object_key(file_url, "cards") == key


@given(key=keys)
def test_every_key_is_found_again_in_every_spelling_of_its_address(key: str) -> None:
    path = quote(key)

    assert object_key(key, "cards") == key
    assert object_key(f"cards/{key}", "cards") == key
    assert object_key(f"https://files.example/{path}", "cards") == key
    assert object_key(f"http://files.example/cards/{path}?X-Amz-Signature=1", "cards") == key


@pytest.mark.parametrize(
    "file_url",
    [
        "",
        "/",
        "cards",
        "cards/",
        "//files.example/user/a.jpg",
        "cards//user/a.jpg",
        "https://files.example",
        "https://files.example/",
        "https://files.example/cards",
        "https:///user/a.jpg",
        "https:user/a.jpg",
        "https://[::1/user/a.jpg",
        "file:///etc/passwd",
        "file:/etc/passwd",
        "s3://other/user/a.jpg",
        "ftp://files.example/user/a.jpg",
        "data:image/jpeg;base64,AAAA",
        "javascript:alert(1)",
        "user/../other/a.jpg",
        "user/./a.jpg",
        "..",
        "https://files.example/user/../a.jpg",
        "https://files.example/user/%2e%2E/a.jpg",
        "https://files.example/cards/%2e%2E/a.jpg",
        "https://files.example/user%2f..%2fa.jpg",
        "https://files.example/user/%FF.jpg",
        "https://files.example/user/a%0D%0AHost:%20b.jpg",
        "https://files.example/us\ner/a.jpg",
        "\thttps://files.example/user/a.jpg",
        "user/a\x00.jpg",
        "user/a\n.jpg",
        "user/\u202egpj.a",
        "user/\ud800.jpg",
        "k" * 1025,
        "é" * 513,
        "https://files.example/" + "%C3%A9" * 513,
    ],
)
def test_what_cannot_be_a_key_of_ours_is_refused_with_a_sentence_for_the_user(file_url: str) -> None:
    with pytest.raises(DocumentError) as caught:
        object_key(file_url, "cards")

    assert caught.value.code == "file_url_unusable"
    assert "upload your card again" in str(caught.value)


@given(
    file_url=st.one_of(
        st.text(max_size=60), st.text("abc/.%2eEF:\\\0\n?#@[]", max_size=30).map("http:{}".format)
    )
)
def test_any_text_is_a_clean_key_or_is_refused(file_url: str) -> None:
    try:
        key = object_key(file_url, "cards")
    except DocumentError:
        return

    assert key
    assert key.isprintable()
    assert not key.startswith("/")
    assert not {".", ".."} & set(key.split("/"))
