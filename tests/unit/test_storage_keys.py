import pytest

from service.errors import DocumentError
from service.storage import object_key


@pytest.mark.parametrize(
    ("file_url", "key"),
    [
        ("user/KTP_1.jpg", "user/KTP_1.jpg"),
        ("/user/KTP_1.jpg", "user/KTP_1.jpg"),
        ("cards/user/KTP_1.jpg", "user/KTP_1.jpg"),
        ("user/KTP 100%.jpg", "user/KTP 100%.jpg"),
        ("https://files.example/user/KTP_1.jpg", "user/KTP_1.jpg"),
        ("https://files.example/cards/user/KTP_1.jpg", "user/KTP_1.jpg"),
        ("http://files.example/user/KTP%20a.jpg?sig=1#page", "user/KTP a.jpg"),
        ("HTTPS://files.example/user/cards/a.jpg", "user/cards/a.jpg"),
    ],
)
def test_a_key_or_the_path_of_a_url_names_the_object(file_url: str, key: str) -> None:
    assert object_key(file_url, "cards") == key


@pytest.mark.parametrize(
    "file_url",
    [
        "",
        "/",
        "https://files.example",
        "file:///etc/passwd",
        "s3://other/user/a.jpg",
        "user/../other/a.jpg",
        "https://files.example/user/%2e%2e/a.jpg",
        "user/a\x00.jpg",
        "user/a\n.jpg",
        "k" * 1025,
    ],
)
def test_what_cannot_be_a_key_of_ours_is_refused_with_a_sentence_for_the_user(file_url: str) -> None:
    with pytest.raises(DocumentError) as caught:
        object_key(file_url, "cards")

    assert caught.value.code == "file_url_unusable"
    assert "upload your card again" in str(caught.value)
