"""What an error suggests pools no wrong numbers where it is typed."""

import re

import pytest

import metaresp as mr

TABLES = {
    "time": "Study,Follow-up,Score,Time\nXu,13,18,20\nLi,4,7,9\n",
    "follow-up as n": "Study,Responders,Follow-up (months)\nXu,13,18\nLi,4,7\n",
    "rates of many": "Study,Cases,Rate per 1000\nXu,13,722\nLi,4,571\n",
    "n and rates of many": "Study,N,Per mille\nXu,180,72\nLi,70,57\n",
    "no header": "Xu,13,18\nLi,4,7\nHu,9,15\n",
    "turned": "Study,Xu,Li,Hu\nResponders,13,4,9\nN,18,7,15\n",
    "names that say nothing": "Study,Foo,Bar\nXu,13,18\nLi,4,7\n",
}


@pytest.mark.parametrize("name", TABLES)
def test_no_columns_are_suggested(tmp_path, name):
    path = tmp_path / "trials.csv"
    path.write_text(TABLES[name])
    with pytest.raises(mr.InvalidStudies) as caught:
        mr.read_studies(path)
    assert not re.search("(?:events|n|percent)='", str(caught.value))


def test_a_sum_is_never_added_to_its_parts(tmp_path):
    path = tmp_path / "trials.csv"
    path.write_text("Study,CR,PR,ORR,N\nXu,5,8,13,18\nLi,1,3,4,7\n")
    with pytest.raises(mr.InvalidStudies) as caught:
        mr.read_studies(path)
    assert "events='CR + PR'" in str(caught.value)
    assert "+ ORR" not in str(caught.value)
    path.write_text("Study,Deaths,Relapses,N\nXu,5,8,18\nLi,1,3,7\n")
    with pytest.raises(mr.InvalidStudies) as caught:
        mr.read_studies(path)
    assert "+" not in str(caught.value)
