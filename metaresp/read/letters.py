"""How often letters stand in the languages that tables are written in: what encodings are told apart by."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Language:
    """Letters of one language beyond ASCII.

    Attributes
    ----------
    letters : str
        Small letters, the commonest first.
    share : float
        How much of its text is letters beyond ASCII.
    alone : bool
        Whether words are wholly of these letters (Greek), or have them among ASCII letters (French).
    words : tuple of str
        Words of its tables.
    """

    letters: str
    share: float
    alone: bool
    words: tuple[str, ...] = ()
    weights: Mapping[str, float] = field(init=False)

    def __post_init__(self) -> None:
        ranks = {letter: 1 / (place + 4) for place, letter in enumerate(self.letters)}
        total = sum(ranks.values())
        object.__setattr__(self, "weights", {key: self.share * rank / total for key, rank in ranks.items()})


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


WESTERN = (
    Language(
        "éèàêçôîâûùëïœ",
        0.04,
        False,
        _words("étude auteur année réponse effectif malades traités complète nombre rémission taux médecin"),
    ),  # French
    Language(
        "üäöß", 0.04, False, _words("studie autor jahr anzahl ansprech patienten größe fälle gesamt ereignis")
    ),  # German
    Language(
        "óíáéñúü",
        0.04,
        False,
        _words("estudio autor año respuesta pacientes número población tamaño muestra curación casos"),
    ),  # Spanish
    Language(
        "ãçáéíóõêâúàô",
        0.05,
        False,
        _words("estudo autor ano resposta doentes pacientes número população remissão amostra"),
    ),  # Portuguese
    Language(
        "àèùòìé", 0.03, False, _words("studio autore anno risposta pazienti numero totale età")
    ),  # Italian
    Language(
        "äåöøæé",
        0.05,
        False,
        _words("studie författare år svar antal pasienter patienter forfatter remission behandl"),
    ),  # Nordic
    Language("íáðþóæúýéö", 0.08, False, _words("rannsókn sjúklingar fjöldi")),  # Icelandic
    Language("ëéïóèö", 0.02, False, _words("studie auteur patiënten aantal jaar respons")),  # Dutch
)
CENTRAL = (
    Language(
        "łęąóżśćńź",
        0.06,
        False,
        _words("badanie liczba pacjent odpowied chorych ogółem łącznie uwagi leczen"),
    ),  # Polish
    Language(
        "áíéěřčžýšůúóťňďôľĺŕä", 0.1, False, _words("studie počet pacient odpověď celkem léč nemocn pacientov")
    ),  # Czech, Slovak
    Language(
        "áéőóöíüúű", 0.09, False, _words("szerző vizsgálat beteg válasz összes száma megjegyzés")
    ),  # Hungarian
    Language("čšžćđ", 0.04, False, _words("studija broj bolesnik pacijen odgovor godina")),  # South Slavic
    Language("ăîâșțşţ", 0.06, False, _words("studiu număr pacien răspuns autor observa")),  # Romanian
)
TURKISH = (
    Language("ıüşğçöİâ", 0.09, False, _words("çalışma yazar yıl yanıt hasta sayısı toplam olgu açıklama")),
)
BALTIC = (Language("āšīēžņčļģūķ", 0.08, False), Language("ėąšųžįūčę", 0.07, False))
CYRILLIC = (
    Language("оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъё", 0.75, True),
    Language("оаинетврсклумдпязьбігйчєїхцюшжщфґ", 0.75, True),
    Language("аоиенртсвдлкпмзуябъгчщшхжцйюфь", 0.75, True),
)
GREEK = (
    Language(
        "αοιετσνηυρπκμλςθωγδάίόέήώβχφξύζψϊϋΐΰ",
        0.75,
        True,
        _words("μελέτη ασθεν έτος σύνολο ανταπόκρ συγγραφ δόση"),
    ),
)
ARABIC = (Language("اليمنروتبةعدسفهحكقأجشصطخإضزذثىغآءئظؤ", 0.75, True),)
HEBREW = (
    Language("יולאהרמתשבנדחעכקםפטגסצזןךףץ", 0.75, True, _words("מחקר חולים שנה מספר סך מחבר מטופל תגוב")),
)

# The commonest hanzi of papers, names and tables, then kanji, then hangul.
HANZI = (
    "的一是在不了有和人这中大为上个国我以要他时来用们生到作地于出就分对成会可主发年动同工也能下过子说产种面"
    "而方后多定行学法所民得经十三之进着等部度家电力里如水化高自二理起小物现实加量都两体制机当使点从业本去把性"
    "好应开它合还因由其些然前外天政四日那社义事平形相全表间样与关各重新线内数正心反你明看原又么利比或但质气第"
    "向道命此变条只没结解问意建月公无系军很情者最立代想已通并提直题党程展五果料象员革位入常文总次品式活设及管"
    "特件长求老头基资边流路级少图山统接知较将组见计别她手角期根论运农指几九区强放决西被干做必战先回则任取据处"
    "研究例数有效率病患治疗总缓解完全部分应答临床试验剂作者姓名年份均龄男女性别随访样本量阳阴完成人群组合疗癌瘤"
    "肿肺肝胃肠乳腺血白细胞淋巴移植术药单抗客观控制疾稳展安死亡生存备注释标题医院北京上海广州南东西华附属第一二"
    "王李张刘陈杨黄赵周吴徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢"
    "来源地区类型评价异质检加权合计小纳入排除不良反应显著编号序列号中位无失访终点痊愈好转愈有"
)
HANZI_TRADITIONAL = (
    "的一是在不了有和人這中大為上個國我以要他時來用們生到作地於出就分對成會可主發年動同工也能下過子說產種面"
    "而方後多定行學法所民得經十三之進著等部度家電力裡如水化高自二理起小物現實加量都兩體制機當使點從業本去把性"
    "好應開它合還因由其些然前外天政四日那社義事平形相全表間樣與關各重新線內數正心反你明看原又麼利比或但質氣第"
    "研究例數有效率病患治療總緩解完全部分應答臨床試驗劑作者姓名年份均齡男女性別隨訪樣本量陽陰成群組療癌瘤腫肺肝"
    "胃腸乳腺血白細胞淋巴移植術藥單抗客觀控制疾穩展安死亡存備註釋標題醫院臺灣北中南高雄榮長庚大學附設地區類型評價"
    "王李張劉陳楊黃趙周吳徐孫馬朱胡郭何高林羅鄭梁謝宋唐許韓馮鄧曹彭曾蕭田董袁潘於蔣蔡余杜葉程蘇魏呂丁任沈姚盧"
    "試驗人次反應者受試收案來源合計小結編號劑量"
)
KANJI = (
    "日一国人年大十二本中長出三時行見月分後前生五間上東四今金九入学高円子外八六下来気小七山話女北午百書先名川千"
    "水半男西電校語土木聞食車何南万毎白天母火右読友左休父雨研究患者数奏効例症試験著発表治療有反応率完全部分寛解"
    "病院総計合平均齢性別群用量投与薬剤臨床全体評価可能登録被対象必要不明備考報告施設地域割合解析結果死亡生存期間"
    "田中佐藤鈴木高橋伊渡辺山本村小林加吉井口松上石森池阿部清岡島藤原野谷坂木内青新古市川崎東京大阪名屋福九州"
    "肺癌肝胃腸乳白血悪腫瘍細胞株移植術単抗体腎膵腺固形進行再初回次線追跡成績表題注記"
)
HANGUL = (
    "이다의는가을에고기로지하사도리어한은나자대시인서스그해과만일정전으수라연구아있제상부들보주동원장용안여게성공"
    "유조경신우국소관할해학년관계위문실미생방적구화개과당세비민명등무모내결사체발중간영와진반응환자총률효관치료임상시험완전"
    "분관해저자름도평균나성별군량투여약제병결과사망생존기간합계소비고출처지역서울대학교병원센터외차암폐간위장유방혈액"
    "김이박최정강조윤장임한오서신권황안송류전홍고문양손배백허남심노하곽차주우구민나진지엄채원천방공현함변염추도석선설마길"
    "표본크수참가등록유용백률객관적질환조절구피험명건례없음불"
)
KANA = "".join(map(chr, (*range(0x3041, 0x3094), *range(0x30A1, 0x30F7), 0x30FC)))
WIDE_MARKS = "、。，．・：；？！（）［］「」『』【】〈〉《》～―…‘’“”％／＋－＝×〇○●◎△※→　" + "".join(
    map(chr, (*range(0xFF10, 0xFF1A), *range(0xFF21, 0xFF5B)))
)
MARKS = "“”‘’–—…°±²³µμ×§®©™†‡•·\xa0«»€£ºª½≥≤‰№¿¡"
