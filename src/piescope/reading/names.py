"""The usual names of columns and arrays, and what they say; which column has which role is decided by `roles`.

A name is written here as `key_of` makes it of what a file has.
"""

from __future__ import annotations

import re


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


ID_NAMES = _words("""
    id example_id example exampleid image_id imageid sample_id sampleid doc_id docid prompt_id question_id item_id
    qsl_idx uid uuid guid filename file_name file filepath path file_path image_path img_path image img image_name
    image_file sample key ids example_ids url identifier problem_idx instance_id subject_id patient_id
""")
"""Names of columns with ids, the likeliest first; any name that ends like one (``case_id``) is one, too."""

ID_ENDINGS = _words("id ids uid uuid guid path filename file hash")

NO_ID_WORDS = _words("class label category target model run pred predicted prediction true gold")

ROW_NAMES = (*_words("index idx row row_id"), "", *_words("unnamed_0 index_level_0 column_0 no nr number"))
"""Names of columns that often count a file's own rows: ids only where there are no others."""

MODEL_NAMES = _words("model model_id model_name run seed replicate checkpoint member")

MODEL_WORDS = _set("model seed run rep replicate member fold net network checkpoint ckpt copy trial")
"""Words in the names of columns that hold the answers of one model each."""

WRONG_NAMES = _set("""
    error errors wrong incorrect miss missed fail failed failure mistake mistakes mistaken misclassified
    misclassification
""")
"""Words in the names of columns that say wrong rather than right."""

TRUTH_NAMES = _words("""
    true_label true target targets y_true ground_truth groundtruth truth gold gold_label actual true_class label_true y
    label_ids expected answer_key annotation_label true_labels gt gt_label gt_class correct_label correct_class
    correct_answer gold_answer reference_label
""")

LABEL_NAMES = ("label", "labels")
"""The truth where there are predictions beside, the predictions where there are none."""

CLASS_NAMES = _words("class category class_id class_name classname label_id label_name")
"""Likewise, but often another spelling of the prediction."""

CLASS_LABEL_NAMES = (*LABEL_NAMES, *CLASS_NAMES)
"""Names of labels that may be true or predicted."""

TRUE_NAMES = (*TRUTH_NAMES, *CLASS_LABEL_NAMES)
"""Names of labels, the surest of true ones first."""

PREDICTION_NAMES = _words("""
    prediction predictions predicted predicted_label predicted_class pred preds pred_label pred_class y_pred y_hat yhat
    output answer dense_label compressed_label pruned_label prediction_label predicted_labels argmax top1_label
""")

CORRECT_NAMES = _words("""
    correct is_correct right is_right acc_norm acc exact_match em hit hits passed pass pass_1 pass_at_1 success
    succeeded solved is_solved resolved ok is_ok score reward
""")
"""Names of columns that say right or wrong, if they hold 0 and 1, true and false."""

WEAK_NAMES = ("ok", "is_ok")
"""Those of them that may as well be a class, where the labels are of two."""

OUTCOME_NAMES = _words("result status outcome verdict judgement judgment")
"""Names of columns that say right or wrong if they hold words for it; 0 and 1 may as well be the predicted class."""

SCORE_NAMES = _words("""
    logits logit scores probabilities probs prob probability softmax outputs proba y_score y_prob y_proba
    prediction_scores log_probabilities logprobs p sigmoid
""")
"""Names of what can only be scores of classes; before or after a class's name, too: ``prob_cat``."""

PROBABILITY_WORDS = _set("prob probs proba probability probabilities sigmoid softmax")
"""Words in the names of probabilities, which are no classes though they be whole numbers: percentages."""

LOGIT_WORDS = ("logit", "logits", "decision", "score", "scores")
"""Words in the names of scores that need not lie between 0 and 1."""

CLASS_ONE_NAMES = _words("p1 p_1 y_score decision_function positive")
"""Names of what can only be the score of class 1 of two, where it is the only score."""

SCORE_WORDS = (*SCORE_NAMES, *_words("score class pred prediction conf c y output"))

EMBEDDING_NAMES = _words("embeddings embedding features representations representation images x feature")

NO_SCORE_STEMS = _words("x f v z pc dim emb embedding feature feat pixel latent hidden")
"""Before a number these name inputs and representations, not classes."""

WRAPPER_NAMES = _words("""
    predictions prediction preds results result data rows records samples examples items instances outputs output
    responses answers details
""")
"""Keys under which a JSON object has its table, beside the model's name and the like."""

SUMMARY_WORDS = _words("total accuracy acc mean average avg all overall summary sum")
"""What the last row of a table begins with where it sums the others up."""

NAME_ARRAYS = ("class_names", "classes", "names")

RIGHT_WORDS = _words("1 true yes y t right correct c pass passed success")
WRONG_WORDS = _words("0 false no n f wrong incorrect i fail failed failure")

OUTCOME_WORDS = _words("pass passed success correct fail failed failure incorrect")
"""Words for right and wrong that are hardly the names of two classes."""

AMOUNT_WORDS = _set("""
    latency ms sec secs time times seconds duration runtime size bytes memory energy power tokens length width height
    timestamp date year epoch step batch fps flops price cost
""")
"""Words in the names of times and sizes, which differ between two models whatever they answer."""

MEASURE_WORDS = AMOUNT_WORDS | _set("""
    s loss losses nll ce perplexity ppl entropy margin age weight uncertainty variance std iou temperature lr count num
    confidence conf max quality brightness lat lon latitude longitude bmi dose score rank
""")
"""Words in the names of measurements that stand beside predictions."""

SURENESS_WORDS = _set("max confidence conf loss losses nll ce entropy perplexity ppl uncertainty variance std rank")
"""Words in the names of numbers that say how sure or how wrong a model is, and not which class it answers."""

BOTH_NAMES = ("answer", "output")
"""Names of predictions that are as usual for the truth of a benchmark."""

CONFIDENCE_NAMES = _words("confidence conf score probability prob max_prob logit top1_prob pred_prob")

ANSWER_NAMES = frozenset((*TRUE_NAMES, *PREDICTION_NAMES, *CORRECT_NAMES, *SCORE_NAMES))
"""Names of what a model says, or of what is true."""

USUAL_NAMES = ANSWER_NAMES | frozenset((*ID_NAMES, "index", "idx", "row", *MODEL_NAMES, *CONFIDENCE_NAMES))
"""Names that no class or example is likely to have: a first row that holds one is a header."""


def words_of(name: str) -> tuple[str, ...]:
    """The words of a column's name, in small letters.

    Example:
        >>> words_of("SubjectID"), words_of("pred_label "), words_of("reader's idx"), words_of("pass@1")
        (('subject', 'id'), ('pred', 'label'), ('readers', 'idx'), ('pass', '1'))
    """
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name.replace("'", ""))
    return tuple(word for word in re.split(r"[\W_]+", parted.lower()) if word)


def truth_of_word(word: str) -> bool | None:
    """What a cell of a column of right and wrong says; None: neither.

    Example:
        >>> truth_of_word("Yes"), truth_of_word("incorrect"), truth_of_word("maybe")
        (True, False, None)
    """
    said = word.strip().lower()
    return True if said in RIGHT_WORDS else False if said in WRONG_WORDS else None


def key_of(name: str) -> str:
    """A name as the lists of usual names have it.

    Example:
        >>> key_of("PredictedClass")
        'predicted_class'
    """
    return "_".join(words_of(name))


def is_usual(name: str) -> bool:
    """Whether a name is one that columns have."""
    return key_of(name) in USUAL_NAMES
