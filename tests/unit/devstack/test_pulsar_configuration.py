"""Our changes to Pulsar's shipped configuration."""

from devstack.parts.pulsar import rewrite

SHIPPED = """# brokerServicePort=1 in a comment stays
brokerServicePort=6650
allowAutoTopicCreation=true
untouched=a=b

allowAutoTopicCreation=true
"""


def test_values_are_replaced_once_and_new_keys_appended() -> None:
    text = rewrite(
        SHIPPED,
        {
            "brokerServicePort": "20001",
            "allowAutoTopicCreation": "false",
            "listeningInterface": "lo",
        },
    )
    assert text.splitlines() == [
        "# brokerServicePort=1 in a comment stays",
        "brokerServicePort=20001",
        "allowAutoTopicCreation=false",
        "untouched=a=b",
        "",
        "listeningInterface=lo",
    ]


def test_no_change_is_no_change() -> None:
    assert rewrite(SHIPPED, {}) == SHIPPED
