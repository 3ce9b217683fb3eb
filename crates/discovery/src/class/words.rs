//! Words that values are known by: what people, streets and genders are called.

use std::sync::LazyLock;

use hashbrown::HashSet;

/// Given names that are frequent in some country, folded to ASCII.
static GIVEN_NAMES: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    "aaron ada adam adele adrian adrienne agnes agnieszka ahmed aino aisha alain alan alba albert \
    alberta alberto aldo alejandro aleksandr alessandro alessia alex alexander alexandra alexei \
    alfred alfredo ali alice alicia aline alison allan allen allison alma alvaro alvin alyssa \
    amanda amara amber amelia amit amy ana anastasia anders andre andrea andreas andrei andres \
    andrew andrzej andy angel angela angelica angelika angelina angelo angie anil anita anja \
    anjali ann anna anne anneli annette annie anouk anthony antoine antoinette anton antonia \
    antonio antti april arjun arlene armando arnold arthur ashley ashok astrid audrey aurelie \
    axel ayse barbara barry bas beatrice beatriz becky belinda ben benjamin bernadette bernard \
    bernd bernice bertha bessie beth bethany betsy betty beulah beverly bill billie billy birgit \
    birgitta bjorn blanca blanche bob bobbie bobby bonnie brad bradley bram brandi brandon \
    brenda brent brett brian bridget brigitte brittany brooke bruce bruno bryan byron calvin \
    camila camille candace candice carl carla carlo carlos carmen carol carole caroline carolyn \
    carrie casey cassandra catherine cathy cecelia cecil cecilia celia celine chad charlene \
    charles charlie charlotte cheryl chester chiara chinedu chloe chris christa christian \
    christie christina christine christophe christopher christy cindy claire clara clarence \
    claude claudia clayton clifford clifton clinton clyde cody colleen connie constance cora \
    corey cornelis cory courtney craig cristina crystal curtis cynthia daan daisy dale dan dana \
    daniel danielle danny darla darlene darrell darren darryl daryl dave david davide dawn dean \
    deanna debbie deborah debra deepak delia della delores denise dennis derek derrick desiree \
    diana diane dianna dianne diego dieter dixie dmitry dolores domenico don donald donna dora \
    doreen doris dorothy douglas duane dustin dwayne dwight earl ebony eddie edgar edith edna \
    eduardo edward edwin eileen ekaterina elaine eleanor elena elias elif elisa elizabeth elke \
    ella ellen elmer elodie eloise elsa elsie elvira elzbieta emilie emily emine emma enrique \
    eric erica erik erika erin erma ernest ernestine ernst essie estelle esther ethel eugene \
    eula eunice eva evelyn everett ewa fabio faith fang fannie fatima faye federica federico \
    felicia felipe felix femke fernanda fernando finn fleur flora florence florian floyd frances \
    francesca francesco francis francisco franco francois francoise frank franklin franz fred \
    freda freddie frederic frederick fredrik friedrich gabriel gabriela gabriele gail gary gayle \
    gene geneva genevieve georg george georgia gerald geraldine gerhard gerrit gertrude gilbert \
    gilles gina giorgio giovanna giovanni gisela giulia giuseppe gladys glen glenda glenn gloria \
    gordon grace greg gregory greta gretchen grzegorz guadalupe guillaume gunter gustav gustavo \
    guy gwen gwendolyn hannah hanne hans harold harriet harry haruto harvey hassan hatice hattie \
    hazel heather hector heidi heike heinz helen helene helga helmut hendrik henri henrietta \
    henrik henry herbert herman hilda hiroshi holly horst howard hugh hugo hui hussein ian \
    ibrahim ida igor ines inez ingrid irene irina iris irma isaac isabel isabelle ivan jack \
    jackie jacob jacqueline jacquelyn jacques jaime james jamie jan jana jane janet janice janie \
    janis jared jason javier jay jean jeanette jeanne jeannette jeannie jeff jeffery jeffrey \
    jenna jennie jennifer jenny jens jeremy jeroen jerome jerry jerzy jesse jessica jessie jesus \
    jill jim jimmie jimmy jing jo joan joann joanna joanne joao joaquin jodi jody joe joel johan \
    johann johanna johannes john johnnie johnny jon jonas jonathan joost jordan jorge jose josef \
    josefina joseph josephine joshua joy joyce jozef juan juana juanita judith judy juhani jukka \
    jules julia julian juliana julie julien juliette julio june jurgen justin kaarina kara karen \
    kari karin karl karla katarzyna kate katherine kathleen kathryn kathy katie katrin katrina \
    kay kayla kees keith kelli kellie kelly ken kendra kenji kenneth kent kevin khadija kim \
    kimberly kirk klara klaus krista kristen kristi kristian kristie kristin kristina kristine \
    kristy krystal krystyna krzysztof kumar kurt kwame kyle lakshmi lana lance larissa larry \
    lars latoya laura lauren laurent laurie laverne lawrence lea leah lee lei leigh lela lena \
    leo leon leona leonard leonie leroy leslie lester leticia lewis li liisa lila lillian lillie \
    linda lindsay lindsey lisa lloyd lois lola lone lonnie lora lorena lorene lorenzo loretta \
    lori lorraine lotte louis louise luc luca lucia luciano lucille lucy ludwig luigi luis luiz \
    lukas lula luz lydia lynda lynette lynn lynne maarten mabel mable madeline mads mae magnus \
    maja malgorzata mamie mandy manfred manon manuel marc marcel marcella marcia marcin marco \
    marcos marcus marek margaret margarita margaux margie marguerite maria marian mariana \
    marianne marie marilyn mario marion marjorie mark markus marlene marsha marshall marta \
    martha martin martina martine marvin mary maryann mathew mathieu matteo matthew matthias \
    matti mattie maureen maurice max maxime maxine megan meghan mehmet melanie melba melinda \
    melissa melody melvin mercedes meredith mette mia michael michal micheal michel michele \
    michelle miguel mikael mike mikhail mikkel mikko mildred milton min mindy minnie miranda \
    miriam misty mitchell mohammed molly mona monica monika monique morris muhammad muriel \
    mustafa myra myrtle nadine nancy naomi natalia natalie natasha nathalie nathan nathaniel \
    neha neil nellie nelson nettie nicholas nichole nicolas nicole nikolai nils nina noah nomsa \
    nora norma norman nuria ole oleg olga olive olivia olivier ollie olof omar opal ora oscar \
    otto pablo pam pamela paola paolo pascal pat patricia patrick patsy patti patty paul paula \
    paulette pauline paulo pawel pearl pedro peggy pekka penny per perry peter petra philip \
    philippe phillip phyllis pierre piet pieter pietro pilar piotr pooja priscilla priya rachael \
    rachel rafael rahul rainer raj ralf ralph ramesh ramon ramona randall randy raquel raul ravi \
    ray raymond rebecca regina reginald renate rene renee rhonda ricardo riccardo richard rick \
    ricky rita robert roberta roberto robin robyn rochelle rodney rodrigo roger rohan roland \
    romain ron ronald ronnie rosa rosalie rose rosemarie rosemary rosie ross roxanne roy ruben \
    ruby rui russell ruth ryan sabine sabrina sadie sakura sally salvador salvatore sam samantha \
    samuel sander sandra sandrine sandy sanjay sanne santiago sara sarah scott sean sebastian \
    sebastien sem sergei sergey sergio seth shane shannon shari sharon shawn shawna sheila \
    shelia shelley shelly sheri sherri sherry sheryl shirley sidney silke silvia simone sipho \
    sofia sonia sonja sonya sophia sophie soren stacey stacy stanislaw stanley stefan stefano \
    stella stephan stephane stephanie stephen steve steven sue sunita suresh susan susie suzanne \
    sven svetlana sylvia sylvie tabitha tadeusz tamara tami tammy tanya tara tasha tatiana ted \
    teresa teri terrance terrence terri terry thabo thelma theodore theresa thiago thibault \
    thierry thomas tiago tiffany tim timo timothy tina tobias todd tom tomasz tommy toni tony \
    tonya torsten tracey traci tracy travis tricia troy tyler tyrone ursula ute uwe valentina \
    valerie vanessa velma vera verna vernon veronica veronique vicente vicki vickie vicky victor \
    victoria vijay vincent vincenzo viola violet virgil virginia vivian vladimir wade wallace \
    walter wanda wang warren wayne wei wendy wesley whitney wilhelm willard willem william \
    willie wilma winifred wojciech wolfgang yan yoko yolanda yuki yusuf yves yvette yvonne \
    zachary zainab zofia"
        .split_ascii_whitespace()
        .collect()
});

/// What streets are called, and little else.
static STREET_WORDS: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    "al. alameda aleja allee alley allée aly av av. avda ave ave. avenida avenue bd blvd blvd. \
    boulevard calle camino carrera chemin cir circle close corso court cres crescent ct ct. dr \
    dr. drive estrada gade gaden gardens gasse gata gatan gaten gracht grove highway hwy impasse \
    kade katu laan lane ln ln. loop mews osiedle parkway paseo piazza pkwy pl pl. plac place \
    platz plaza plein plz praca praça quai rd rd. road ronda rua rue sq square st str str. \
    straat strada strasse straße street ter terrace trail travessa turnpike ul ul. ulica vagen \
    veien vej via viale vicolo vägen way weg"
        .split_ascii_whitespace()
        .collect()
});

/// Values of a gender.
static GENDERS: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    "agender bigender cisgender d divers diverse donna f female femenino feminin feminino femme \
    femmina femminile frau féminin genderfluid genderqueer h hombre homme intersex kobieta \
    kvinde kvinna kvinne m male man mann mannelijk mannlich maschile maschio masculin masculino \
    men mies mujer männlich mężczyzna nainen non-binary nonbinary other prefer_not_to_say \
    transgender u undisclosed unknown unspecified uomo vrouw vrouwelijk w weiblich woman women x"
        .split_ascii_whitespace()
        .collect()
});

/// How streets end where they are written as one word.
const STREET_ENDS: &[&str] = &[
    "strasse", "straße", "str.", "weg", "gasse", "platz", "allee", "straat", "laan", "gracht",
    "kade", "plein", "gatan", "vägen", "vagen", "gaten", "veien", "vej", "gade", "katu", "kuja",
];
/// Longest word that is compared.
const WORD_BYTES_MAX: usize = 32;

/// Whether people are called so.
pub(super) fn is_given_name(word: &str) -> bool {
    let word = word.trim_matches(|letter: char| !letter.is_alphabetic());
    let is_capital = word.chars().next().is_some_and(char::is_uppercase);
    is_capital && word.len() <= WORD_BYTES_MAX && {
        let folded: String = word.chars().flat_map(fold).collect();
        GIVEN_NAMES.contains(folded.as_str())
    }
}

/// Whether streets are called so.
pub(super) fn is_street_word(word: &str) -> bool {
    if word.len() > WORD_BYTES_MAX {
        return false;
    }
    let lower = word.to_lowercase();
    let is_joined = || {
        STREET_ENDS.iter().any(|end| lower.strip_suffix(end).is_some_and(|rest| rest.len() >= 3))
    };
    STREET_WORDS.contains(lower.as_str()) || is_joined()
}

/// Whether it is a gender.
pub(super) fn is_gender(word: &str) -> bool {
    word.len() <= WORD_BYTES_MAX && GENDERS.contains(word.to_lowercase().as_str())
}

/// A letter in lower case, without its marks.
pub(super) fn fold(letter: char) -> impl Iterator<Item = char> {
    letter.to_lowercase().flat_map(|letter| {
        let folded = match letter {
            'à'..='å' | 'ā' | 'ă' | 'ą' => "a",
            'æ' => "ae",
            'ç' | 'ć' | 'č' => "c",
            'ď' | 'đ' => "d",
            'è'..='ë' | 'ē' | 'ę' | 'ě' => "e",
            'ğ' => "g",
            'ì'..='ï' | 'ı' => "i",
            'ł' => "l",
            'ñ' | 'ń' | 'ň' => "n",
            'ò'..='ö' | 'ø' | 'ő' => "o",
            'œ' => "oe",
            'ř' => "r",
            'ß' => "ss",
            'ś' | 'š' | 'ş' => "s",
            'ť' | 'ţ' => "t",
            'ù'..='ü' | 'ů' | 'ű' => "u",
            'ý' | 'ÿ' => "y",
            'ź' | 'ż' | 'ž' => "z",
            _ => "",
        };
        folded.chars().chain(folded.is_empty().then_some(letter))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_and_case_do_not_matter() {
        assert!(is_given_name("José") && is_given_name("JÜRGEN") && !is_given_name("jose"));
        assert!(
            is_street_word("Hauptstraße") && is_street_word("AVE") && !is_street_word("streets")
        );
        assert!(is_gender("Weiblich") && !is_gender("table"));
    }
}
