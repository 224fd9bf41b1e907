"""Encodings that no mark tells: tables with words of a language come back as they were written."""

import random

import pytest

from metaresp.errors import InvalidArgument, UnreadableFile
from metaresp.read.encoding import decode

# Language: names of columns, labels, codecs.
LANGUAGES = {
    "zh": (
        [
            "研究",
            "作者",
            "第一作者",
            "发表年份",
            "有效",
            "有效例数",
            "总例数",
            "例数",
            "患者总数",
            "客观缓解",
            "完全缓解",
            "疾病控制率",
            "剂量",
            "地区",
            "备注",
        ],
        [
            "王伟",
            "李娜",
            "张敏",
            "陈静",
            "刘洋",
            "赵磊",
            "黄丽",
            "周杰",
            "吴强",
            "徐明",
            "孙涛",
            "马超",
            "朱琳",
            "胡军",
            "郭峰",
            "何萍",
            "罗斌",
            "梁宇",
            "宋佳",
            "邓辉",
        ],
        ["gb18030", "gbk", "gb2312"],
    ),
    "zht": (
        [
            "研究",
            "作者",
            "年份",
            "反應人數",
            "總人數",
            "病例數",
            "完全緩解",
            "客觀反應率",
            "備註",
            "劑量",
            "醫院",
        ],
        [
            "王偉",
            "林淑芬",
            "張志明",
            "陳怡君",
            "劉建宏",
            "黃美玲",
            "吳俊傑",
            "徐國華",
            "鄭雅文",
            "許家豪",
            "謝佩珊",
            "蘇明德",
        ],
        ["big5", "cp950"],
    ),
    "ja": (
        [
            "研究",
            "著者",
            "発表年",
            "奏効例数",
            "症例数",
            "患者数",
            "対象患者数",
            "完全奏効",
            "備考",
            "用量",
            "施設",
            "試験名",
        ],
        [
            "佐藤",
            "鈴木",
            "高橋",
            "田中",
            "伊藤",
            "渡辺",
            "山本",
            "中村",
            "小林",
            "加藤",
            "さとう",
            "タナカ",
            "グループA",
            "コホート1",
            "がん研",
            "第二相試験",
        ],
        ["shift_jis", "cp932", "euc_jp"],
    ),
    "ko": (
        [
            "연구",
            "저자",
            "발표연도",
            "반응자수",
            "환자수",
            "총 환자수",
            "완전관해",
            "객관적 반응률",
            "용량",
            "비고",
            "시험명",
        ],
        [
            "김철수",
            "이영희",
            "박민수",
            "최지우",
            "정다은",
            "강현우",
            "조성민",
            "윤서연",
            "장동건",
            "임수정",
            "한가람",
            "서울대병원",
        ],
        ["euc_kr", "cp949"],
    ),
    "ru": (
        [
            "Исследование",
            "Автор",
            "Год",
            "Ответ",
            "Число больных",
            "Всего пациентов",
            "Ремиссия",
            "Доза",
            "Примечание",
        ],
        ["Иванов", "Петрова", "Сидоров", "Кузнецов", "Жуков", "Щербакова", "Юрьев", "Яковлева", "Хрущёв"],
        ["cp1251", "koi8-r", "cp866", "iso8859-5"],
    ),
    "el": (
        ["Μελέτη", "Συγγραφέας", "Έτος", "Ανταποκρίσεις", "Ασθενείς", "Σύνολο ασθενών", "Δόση"],
        ["Παπαδόπουλος", "Γεωργίου", "Νικολάου", "Βασιλείου", "Ιωάννου", "Χατζής"],
        ["cp1253", "iso8859-7"],
    ),
    "ar": (
        ["الدراسة", "المؤلف", "السنة", "عدد المرضى", "الاستجابة", "المجموع", "الجرعة"],
        ["أحمد", "محمد علي", "فاطمة", "خالد", "يوسف", "سارة حسن"],
        ["cp1256", "iso8859-6"],
    ),
    "tr": (
        ["Çalışma", "Yazar", "Yıl", "Yanıt", "Hasta sayısı", "Toplam hasta", "Doz", "Açıklama"],
        ["Yılmaz", "Kaya", "Şahin", "Çelik", "Öztürk", "Aydın", "Özdemir", "Doğan", "Güneş"],
        ["cp1254", "iso8859-9"],
    ),
    "pl": (
        ["Badanie", "Autor", "Rok", "Odpowiedź", "Liczba pacjentów", "Ogółem", "Łącznie", "Uwagi"],
        ["Kowalczyk", "Wiśniewski", "Dąbrowski", "Zieliński", "Wójcik", "Kamińska", "Żukowski", "Świątek"],
        ["cp1250", "iso8859-2"],
    ),
    "cs": (
        ["Studie", "Autor", "Rok", "Odpověď", "Počet pacientů", "Celkem nemocných", "Léčení"],
        ["Novák", "Dvořák", "Černý", "Procházka", "Kučera", "Veselý", "Horák", "Němec", "Šimek"],
        ["cp1250", "iso8859-2"],
    ),
    "hu": (
        ["Vizsgálat", "Szerző", "Év", "Válasz", "Betegek száma", "Összes beteg", "Megjegyzés"],
        ["Nagy", "Kovács", "Tóth", "Szabó", "Horváth", "Kiss", "Fekete", "Erdős", "Kőszegi", "Szűcs"],
        ["cp1250", "iso8859-2"],
    ),
    "ro": (
        ["Studiu", "Autor", "An", "Răspuns", "Număr pacienți", "Total", "Observaţii"],
        ["Popescu", "Ionescu", "Dumitrăchescu", "Stănescu", "Vlăsceanu", "Țîru"],
        ["cp1250"],
    ),
    "de": (
        [
            "Studie",
            "Autor",
            "Jahr",
            "Ansprechen",
            "Anzahl Patienten",
            "Größe",
            "Fälle",
            "Ansprechrate (%)",
            "Dosis",
        ],
        ["Müller", "Schäfer", "Köhler", "Weiß", "Jäger", "Schröder", "Böhm", "Groß"],
        ["cp1252", "latin-1", "mac-roman", "cp850"],
    ),
    "fr": (
        [
            "Étude",
            "Auteur",
            "Année",
            "Répondeurs",
            "Effectif",
            "Nombre de patients traités",
            "Réponse complète",
        ],
        ["Lefèvre", "Gérard", "François", "Benoît", "Hélène", "Noël", "Dupré"],
        ["cp1252", "latin-1", "mac-roman", "cp850"],
    ),
    "es": (
        ["Estudio", "Autor", "Año", "Respuesta", "Número de pacientes", "Población", "Curación"],
        ["García", "Muñoz", "López", "Peña", "Núñez", "Martín", "Ibáñez"],
        ["cp1252", "latin-1", "mac-roman", "cp850"],
    ),
    "pt": (
        ["Estudo", "Autor", "Ano", "Resposta", "Número de doentes", "População", "Remissão"],
        ["João", "Gonçalves", "Simões", "Conceição", "Araújo", "Magalhães"],
        ["cp1252", "latin-1"],
    ),
    "sv": (
        ["Studie", "Författare", "År", "Svar", "Antal patienter", "Behandlade", "Anmärkning"],
        ["Åström", "Öberg", "Sjögren", "Lindström", "Jørgensen", "Sørensen", "Håkansson"],
        ["cp1252", "latin-1"],
    ),
    "he": (
        ["מחקר", "מחבר", "שנה", "מגיבים", "מספר חולים", "סך הכל"],
        ["כהן", "לוי", "מזרחי", "פרץ", "ביטון"],
        ["cp1255"],
    ),
}
PAIRS = [(language, codec) for language, (_, _, codecs) in LANGUAGES.items() for codec in codecs]


def tables(language, codec, repeats, seed):
    """Yield tables of 5 to 15 rows with words of a language, as text that the codec can write."""
    heads, names, _ = LANGUAGES[language]
    rng = random.Random(f"{language} {codec} {seed}")
    for _ in range(repeats):
        separator = rng.choice(",;\t")
        rows = [separator.join(rng.sample(heads, 4))]
        for _ in range(rng.randint(5, 15)):
            n = rng.randint(5, 60)
            label = rng.choice(names) + (f" {rng.randint(1990, 2024)}" if rng.random() < 0.6 else "")
            rows.append(separator.join([label, str(rng.randint(0, n)), str(n), str(rng.randint(1, 9))]))
        yield ("\r\n".join(rows) + "\r\n").encode(codec, "ignore").decode(codec)


def wrong(language, codec, repeats, seed):
    return [
        text for text in tables(language, codec, repeats, seed) if decode(text.encode(codec), "x")[0] != text
    ]


def test_tables_of_every_language_and_encoding_come_back():
    missed = {pair: len(wrong(*pair, repeats=20, seed=1)) for pair in PAIRS}
    assert sum(missed.values()) <= 0.01 * 20 * len(PAIRS), {p: m for p, m in missed.items() if m}


@pytest.mark.slow
@pytest.mark.parametrize(("language", "codec"), PAIRS)
def test_many_tables_come_back(language, codec):
    assert len(wrong(language, codec, repeats=400, seed=2)) <= 4


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "codec", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"]
)
def test_unicode_is_told_without_a_guess(language, codec):
    for text in tables(language, "utf-8", 5, 3):
        assert decode(text.encode(codec), "x") == (text, "")


def test_a_guess_is_named():
    text = "研究,例数,有效\n王伟 2010,18,13\n李娜 2012,7,4\n"
    assert decode(text.encode("gbk"), "x") == (text, "read as GBK")
    assert decode(text.encode("gbk"), "x", "gbk") == (text, "")
    assert decode(b"study,n\nA,9\n", "x") == ("study,n\nA,9\n", "")


def test_what_cannot_be_text_is_refused():
    for data in (b"a,b\n\x001,2\n", b"a,b\n" + bytes(range(128, 256))):
        with pytest.raises(UnreadableFile, match=r"x is (not )?text"):
            decode(data, "x")
    with pytest.raises(InvalidArgument, match="encoding=") as caught:
        decode(b"a", "x", "y" * 5000)
    assert len(str(caught.value)) < 200
